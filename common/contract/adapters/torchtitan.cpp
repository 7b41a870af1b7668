#include "common/contract/adapters/torchtitan.hpp"

namespace smgate::contract {

void Torchtitan::on_line(std::string_view line) {
  if (has(line, "step:") && has(line, "loss:")) return on_step(line);
  if (has(line, "total steps ")) {  // ... global batch size 64, sequence length 2048, total steps 10 (warmup 2)
    config_.set("steps", word_after(line, "total steps "));
    config_.set("batch_size", word_after(line, "global batch size "));
    config_.set("seq_len", word_after(line, "sequence length "));
  } else if (has(line, "CUDA capacity: ")) {
    device_ = between(line, "CUDA capacity: ", " with ");
  } else if (has(line, "Training completed")) {
    start();
    out_.emit(RunEnd{"ok", ""});
  }
}

// step:  1  loss:  8.04910  grad_norm:  1.2345  memory:  0.50GiB(0.61%)  tps: 1,234  tflops: 0.10  mfu: 0.03%
void Torchtitan::on_step(std::string_view line) {
  const std::size_t at = line.find("step:");
  if (has(line.substr(0, at), "validate")) return;
  const std::optional<std::uint64_t> number = count_in(word_after(line, "step:"));
  if (!number || *number == 0) return;
  start();
  Step step;
  step.step = *number - 1;
  step.loss = float_in(word_after(line, " loss:"));
  step.grad_norm = float_in(word_after(line, "grad_norm:"));
  out_.emit(step);
}

void Torchtitan::start() {
  if (out_.started()) return;
  RunStart start;
  start.workload = "torchtitan";
  start.config_json = config_.json();
  start.device = device_;
  out_.emit(std::move(start));
}

}  // namespace smgate::contract
