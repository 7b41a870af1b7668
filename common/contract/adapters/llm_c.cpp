#include "common/contract/adapters/llm_c.hpp"

#include <array>

namespace smgate::contract {

void LlmC::on_line(std::string_view line) {
  if (line.starts_with("| "))
    on_setting(line);
  else if (line.starts_with("step "))
    on_step(line);
  else if (has(line, "total average iteration time:"))
    start(), out_.emit(RunEnd{"ok", ""});
}

// | micro batch size B    | 4                                                  |
void LlmC::on_setting(std::string_view line) {
  constexpr std::array<std::array<std::string_view, 2>, 7> kNames = {{{"micro batch size B", "batch_size"},
                                                                      {"sequence length T", "seq_len"},
                                                                      {"total batch size", "total_batch_size"},
                                                                      {"learning rate (LR)", "learning_rate"},
                                                                      {"train_num_batches", "steps"},
                                                                      {"num_layers L", "shapes.layers"},
                                                                      {"channels C", "shapes.channels"}}};
  const std::size_t middle = line.find('|', 2), end = line.rfind('|');
  if (middle == std::string_view::npos || end <= middle) return;
  const std::string_view name = trimmed(line.substr(2, middle - 2));
  const std::string_view value = trimmed(line.substr(middle + 1, end - middle - 1));
  for (const auto& [known, setting] : kNames)
    if (name == known) config_.set(std::string(setting), value);
  if (name == "precision") config_.set("math_mode", math_mode(value));
  if (name == "device") device_ = value;
  if (name != "overfit_single_batch") return;
  start();
  Batch batch;
  batch.frozen = value == "1";
  out_.emit(std::move(batch));
}

// step   10/100 | loss 3.123456 (+0.10z)| norm 1.2345 (+0.20z)| lr 3.00e-04 | 512.00 ms | 50.1% bf16 MFU | 1024 tok/s
// step 10: train loss 3.123456 (took 512.0 ms)       of the CPU program, which counts from 0
void LlmC::on_step(std::string_view line) {
  Step step;
  if (const std::string_view of_cpu = between(line, "step ", ": train loss "); !of_cpu.empty()) {
    const std::optional<std::uint64_t> index = count_in(of_cpu);
    if (!index) return;
    step.step = *index;
    step.loss = float_in(word_after(line, "train loss "));
    step.ms = float_in(word_after(line, "took "));
  } else {
    const std::optional<std::uint64_t> number = count_in(trimmed(between(line, "step ", "/")));
    const std::optional<std::uint64_t> total = count_in(trimmed(between(line, "/", "|")));
    if (!number || *number == 0 || !total) return;
    step.step = *number - 1;
    step.loss = float_in(word_after(line, "| loss "));
    step.grad_norm = float_in(word_after(line, "| norm "));
    const std::string_view ms = between(line, "| lr ", " ms");
    step.ms = float_in(trimmed(ms.substr(std::min(ms.rfind('|') + 1, ms.size()))));
    if (!config_.has("steps")) config_.set("steps", std::to_string(*total));
  }
  start();
  out_.emit(step);
}

void LlmC::start() {
  if (out_.started()) return;
  RunStart start;
  start.workload = "llm.c";
  start.config_json = config_.json();
  start.device = device_;
  out_.emit(std::move(start));
}

}  // namespace smgate::contract
