#!/usr/bin/env bash
# Checks and measures the workload on this host's GPU, then prints its figures beside PyTorch's. Needs a compiler, CMake
# and the CUDA toolkit; what else a part needs, it says, and is skipped without.
#
#   tests/gpu/run.sh [--only PART]... [--work DIR]
#     parts, in this order: build kernels sanitizer loads faults emitter times pytorch transformers chain compile
#     --work  keeps programs, logs and figures there; parts that run later find what was built
#
# SMGATE_RUNNER names smgate-runner, which judges events; smgate-server beside it lets the chain run. Both come from a
# build of the whole tree. SMGATE_MATH names what is held against transformers (bf16 tf32 fp32, where it is not set).
# Exit code: 1 where a check failed.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=""
parts=()
while [ $# -gt 0 ]; do
  case "$1" in
    --only) parts+=("${2:?--only needs a part}"); shift ;;
    --work) work=${2:?--work needs a folder}; shift ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "run.sh: unknown argument $1; see --help" >&2; exit 2 ;;
  esac
  shift
done
[ "${#parts[@]}" -gt 0 ] || parts=(build kernels sanitizer loads faults emitter times pytorch transformers chain compile)
work=${work:-$(mktemp -d)}
mkdir -p "$work"
bin=$work/build/bin
runner=${SMGATE_RUNNER:--}
failed=()
measure() { python3 "$root/tests/gpu/measure.py" "$1" "$work" "${@:2}"; }
at_both_sizes() {
  local bad=0
  for batch in 4 32; do measure "$@" "$batch" || bad=1; done
  return "$bad"
}
has_torch() { python3 -c "import torch, transformers" 2>/dev/null || { echo "skipped: no PyTorch with transformers here"; return 1; }; }
has_runner() { [ "$runner" != - ] || { echo "skipped: SMGATE_RUNNER names no smgate-runner"; return 1; }; }

part_build() {
  cmake -G "Unix Makefiles" -S "$root/runner/workload" -B "$work/build" >"$work/configure.log" 2>&1 || { tail -20 "$work/configure.log"; return 1; }
  local targets
  mapfile -t targets < <(cmake --build "$work/build" --target help | grep -oE '(smgate-smoke|gpu_[a-z_]+)$' | sort -u)
  cmake --build "$work/build" -j "$(nproc)" --target "${targets[@]}" >"$work/build.log" 2>&1 ||
    { grep -m 20 -A 3 'error' "$work/build.log"; return 1; }
}

part_kernels() {
  [ -x "$bin/gpu_kernels_test" ] || { echo "skipped: no GoogleTest here"; return; }
  "$bin/gpu_kernels_test" --gtest_brief=1
}

part_sanitizer() {
  command -v compute-sanitizer >/dev/null || { echo "skipped: no compute-sanitizer here"; return; }
  local bad=0
  for tool in memcheck racecheck; do
    compute-sanitizer --tool "$tool" --error-exitcode 1 \
      "$bin/smgate-smoke" --backend cuda --scale tiny --steps 3 --out "$work/tiny" --json || bad=1
  done
  return "$bad"
}

part_loads() {
  [ -f "$bin/libgpu_module_loads.so" ] || { echo "skipped: no CUPTI or GoogleTest here"; return; }
  at_both_sizes loads "$bin/smgate-smoke" "$bin/libgpu_module_loads.so"
}

part_faults() { ! has_runner || at_both_sizes faults "$bin/smgate-smoke" "$runner"; }

# The Python emitter with the real Triton: the healthy run passes, and the drifted key is named.
part_emitter() {
  has_torch && has_runner || return 0
  local healthy=0 drifted=0
  rm -rf "$work/emitter" "$work/drift"
  SMGATE_EVENTS=$work/emitter python3 "$root/tests/gpu/emitter_real.py" && "$runner" check "$work/emitter" || healthy=$?
  SMGATE_EVENTS=$work/drift python3 "$root/tests/gpu/emitter_real.py" --drift
  "$runner" check "$work/drift" >"$work/drift.txt" || drifted=$?
  grep -m 3 prewarm_key_drift "$work/drift.txt"
  [ "$healthy" -eq 0 ] && [ "$drifted" -eq 1 ] && grep -q prewarm_key_drift "$work/drift.txt"
}

part_times() { at_both_sizes times "$bin/smgate-smoke" "$runner"; }

part_pytorch() { ! has_torch || { measure pytorch 4 && measure pytorch 32; }; }
part_compile() { ! has_torch || { measure pytorch 4 --compile && measure pytorch 32 --compile; }; }

part_transformers() {
  has_torch || return 0
  local bad=0
  for math in ${SMGATE_MATH:-bf16 tf32 fp32}; do
    rm -rf "$work/dump"
    "$bin/smgate-smoke" --backend cuda --scale seed --steps 62 --math "$math" --dump "$work/dump" --out "$work/out" --json &&
      python3 "$root/tests/gpu/compare_transformers.py" "$work/dump" --device cuda >"$work/compare-$math.txt" || bad=1
    echo "$math: $(tail -2 "$work/compare-$math.txt" | tr '\n' ' ')"
    grep -E '^DIFFER|logits|loss of step 0|curve' "$work/compare-$math.txt" | head -20
  done
  rm -rf "$work/dump" "$work/out"
  return "$bad"
}

# A signed webhook in, a verdict of this very device out.
part_chain() {
  has_runner || return 0
  [ -x "$(dirname "$runner")/smgate-server" ] || { echo "skipped: no smgate-server beside $runner"; return; }
  local sandbox=()
  bwrap --unshare-pid --ro-bind / / --proc /proc true 2>/dev/null && sandbox=(--sandbox) || echo "jobs are not closed off: no bubblewrap here"
  python3 "$root/tests/gpu/chain.py" --bin "$(dirname "$runner")" --report "$work/chain.json" "${sandbox[@]}"
}

nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
for part in "${parts[@]}"; do
  declare -F "part_$part" >/dev/null || { echo "run.sh: there is no part $part; see --help" >&2; exit 2; }
  echo "== $part"
  SECONDS=0
  "part_$part" || failed+=("$part")
  echo "-- $part: $SECONDS s"
done
[ ! -f "$work/figures.jsonl" ] || measure table
[ "${#failed[@]}" -eq 0 ] || { echo "FAILED: ${failed[*]}"; exit 1; }
echo "all checks passed"
