#!/usr/bin/env bash
# Runs smgate's main job on this machine, without a GPU: a server, two runners that emulate sm_89 and sm_121, a git
# repository with a healthy commit and one that brings the incident's root cause, and a signed webhook for each.
#
#   deploy/demo.sh [--json] [--keep] [--build-dir DIR]
#     --json       prints one JSON object on standard output, all else on standard error
#     --keep       leaves the services up until Ctrl-C: open the page at the address that is printed
#     --build-dir  takes the programs from there and builds nothing
#
# Exits 0 only if the healthy commit passed on both architectures and the broken one failed on both with first cause
# prewarm_key_collision.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
build=""
arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    --build-dir) build="${2:?--build-dir needs a folder}"; shift ;;
    --json | --keep) arguments+=("$1") ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "demo: unknown argument $1; see deploy/demo.sh --help" >&2; exit 2 ;;
  esac
  shift
done

if [ -z "$build" ]; then
  {
    "$root/deploy/setup.sh"
    build="$root/build/release"
    cd "$root"
    cmake --preset release -DSMGATE_BUILD_TESTS=OFF
    cmake --build "$build" --target smgate-server smgate-runner smgate_workload
  } >&2
fi
exec python3 "$root/deploy/demo/demo.py" --build-dir "$build" "${arguments[@]}"
