#!/usr/bin/env bash
# Checks and measures the workload on this host's GPU, with a compiler, CMake and the CUDA toolkit alone; PyTorch too for
# the columns beside. Usage: tests/gpu/run.sh [WORK FOLDER]. Set SMGATE_GPU_BIN to a folder of built programs to skip
# the build. Exit code: that of the first check that failed.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:-$(mktemp -d)}
bin=${SMGATE_GPU_BIN:-$work/build/bin}
mkdir -p "$work"
failed=0
check() { echo "== $*"; "$@" || { echo "FAILED ($?): $*"; failed=1; }; }
have() { command -v "$1" >/dev/null 2>&1; }
smoke() { "$bin/smgate-smoke" --backend cuda --scale seed --out "$work/out" "$@"; }

if [ -z "${SMGATE_GPU_BIN:-}" ]; then
  cmake -S "$root/runner/workload" -B "$work/build" >"$work/configure.log"
  cmake --build "$work/build" -j "$(nproc)" >"$work/build.log" || { tail -50 "$work/build.log"; exit 1; }
fi
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader

echo "# kernels and steps against the references"
if [ -x "$bin/gpu_kernels_test" ]; then check "$bin/gpu_kernels_test" --gtest_brief=1; else echo "skipped: no GoogleTest here"; fi

echo "# compute-sanitizer at tiny scale"
if have compute-sanitizer; then
  for tool in memcheck racecheck; do
    check compute-sanitizer --tool "$tool" --error-exitcode 1 \
      "$bin/smgate-smoke" --backend cuda --scale tiny --steps 3 --out "$work/tiny" --json
  done
else
  echo "skipped: no compute-sanitizer here"
fi

echo "# times"
for batch in 4 32; do
  steps=62
  for cache in empty full; do
    start=$(date +%s%N)
    check smoke --batch "$batch" --steps "$steps" --disk-cache "$work/cache-$batch" --events "$work/events-$batch-$cache" \
      --json
    echo "| ${batch} x 256, ${cache} disk cache: process start to report | $((($(date +%s%N) - start) / 1000000)) ms |"
    python3 - "$work/events-$batch-$cache" <<'PYTHON'
import glob, json, statistics, sys
events = [json.loads(line) for name in glob.glob(sys.argv[1] + "/*") for line in open(name)]
steps = [event["ms"] for event in events if event["ev"] == "step"]
late = [event for event in events if event["ev"] == "lookup" and not event["hit"]]
print(f"| median step | {statistics.median(steps):.2f} ms | late compiles | {len(late)} |")
PYTHON
  done
  if [ -x "$bin/gpu_step_bench" ]; then check "$bin/gpu_step_bench" seed "$batch" 256 30 profile; fi
  if [ -f "$root/tests/gpu/pytorch_kd.py" ] && python3 -c "import torch, transformers" 2>/dev/null; then
    check python3 "$root/tests/gpu/pytorch_kd.py" --batch "$batch" --steps "$steps"
    check python3 "$root/tests/gpu/pytorch_kd.py" --batch "$batch" --steps "$steps" --compile
  fi
done

echo "# against transformers"
if [ -f "$root/tests/gpu/compare_transformers.py" ] && python3 -c "import torch, transformers" 2>/dev/null; then
  for math in fp32 tf32 bf16; do
    check smoke --steps 62 --math "$math" --dump "$work/dump-$math" --json
    check python3 "$root/tests/gpu/compare_transformers.py" "$work/dump-$math" --device cuda
    rm -rf "$work/dump-$math"
  done
else
  echo "skipped: no transformers here"
fi
exit "$failed"
