#!/usr/bin/env bash
# Builds everything and runs all tests: under AddressSanitizer and UndefinedBehaviorSanitizer, then the threaded ones under
# ThreadSanitizer. Installs what it needs first. The last line reads `N passed, N failed`.
#
#   deploy/test.sh              all of it
#   deploy/test.sh -L contract  only one label (unit contract integration github browser sim fuzz nvrtc gpu), dev build only
set -euo pipefail
cd "$(dirname "$0")/.."
deploy/setup.sh
export CCACHE_DIR="${CCACHE_DIR:-$HOME/.cache/ccache}"
results=build/results
rm -rf "$results"
mkdir -p "$results"
failed=0

# run PRESET TARGET CTEST-ARGUMENT...: configures, builds, runs; each program leaves its cases in $results.
run() {
  local preset=$1 target=$2
  shift 2
  echo "== $preset: configure and build"
  cmake --preset "$preset" >"$results/$preset-configure.log" || { cat "$results/$preset-configure.log"; exit 1; }
  cmake --build "build/$preset" --target "$target"
  echo "== $preset: test"
  GTEST_OUTPUT="xml:$PWD/$results/$preset/" ctest --test-dir "build/$preset" -j "$(nproc)" --output-on-failure --no-tests=error \
    --output-junit "$PWD/$results/$preset.xml" "$@" || failed=1
}

if [ $# -gt 0 ]; then
  run dev all "$@"
else
  run dev all
  run tsan threaded_tests -L threaded
fi
python3 deploy/count_tests.py "$results"
exit "$failed"
