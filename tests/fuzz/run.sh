#!/usr/bin/env bash
# Fuzzes every target with libFuzzer, one after the other, from the corpora beside this file: the runner's protocol,
# events, files of weights, and each log adapter. Prints a line for each and fails where one found something; what it
# found is in build/fuzz/found.
#
#   tests/fuzz/run.sh [SECONDS [NAME...]]   for each, default 300; NAME: only these, as in `weights jax`
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-300}
shift || true
wanted=" $* "
cmake --preset fuzz >/dev/null
cmake --build build/fuzz --target fuzz_protocol_libfuzzer fuzz_events_libfuzzer fuzz_weights_libfuzzer fuzz_adapters_libfuzzer
mkdir -p build/fuzz/found
failed=0

# fuzz NAME PROGRAM CORPUS: the corpus is read, what is new goes into a folder of the build.
fuzz() {
  local name=$1 program=$2 corpus=$3 log=build/fuzz/$1.log outcome=clean
  [[ $wanted == "  " || $wanted == *" $name "* ]] || return 0
  mkdir -p "build/fuzz/corpus/$name"
  "build/fuzz/bin/fuzz/$program" -max_total_time="$seconds" -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/corpus/$name" "$corpus" >"$log" 2>&1 || outcome=FOUND failed=1
  echo "$name: $outcome, $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, log in $log"
}

fuzz protocol fuzz_protocol_libfuzzer schemas/examples/protocol
fuzz events fuzz_events_libfuzzer tests/fuzz/corpus/events
fuzz weights fuzz_weights_libfuzzer tests/fuzz/corpus/weights
for adapter in aprender vllm deepgemm jax llm.c nanogpt hf-trainer megatron torchtitan regex; do
  SMGATE_FUZZ_ADAPTER=$adapter fuzz "$adapter" fuzz_adapters_libfuzzer tests/fuzz/corpus/adapters
done
exit "$failed"
