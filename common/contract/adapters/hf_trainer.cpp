#include "common/contract/adapters/hf_trainer.hpp"

#include <array>

namespace smgate::contract {

void HfTrainer::on_line(std::string_view line) {
  if (!has(line, "{'")) return on_setting(line);
  if (has(line, "'train_runtime':"))  // its train_loss is a mean over the run
    start(), out_.emit(RunEnd{"ok", ""});
  else if (has(line, "'loss':") || has(line, "'grad_norm':"))
    on_step(line);
}

//   Total optimization steps = 62
void HfTrainer::on_setting(std::string_view line) {
  constexpr std::array<std::array<std::string_view, 2>, 4> kNames = {
      {{"Total optimization steps", "steps"},
       {"Total train batch size (w. parallel, distributed & accumulation)", "batch_size"},
       {"Instantaneous batch size per device", "device_batch_size"},
       {"Gradient Accumulation steps", "gradient_accumulation_steps"}}};
  const std::size_t equals = line.find(" = ");
  if (equals == std::string_view::npos) return;
  for (const auto& [known, setting] : kNames)
    if (line.substr(0, equals).ends_with(known)) config_.set(std::string(setting), trimmed(line.substr(equals + 3)));
}

// {'loss': 2.1, 'grad_norm': 1.2, 'learning_rate': 1.5e-05, 'epoch': 0.1}: some versions leave the loss out where it is
// NaN, others print nan, and logging_nan_inf_filter prints the mean of what was finite.
void HfTrainer::on_step(std::string_view line) {
  start();
  Step step;
  step.step = steps_++;
  step.loss = float_in(word_after(line, "'loss':"));
  step.grad_norm = float_in(word_after(line, "'grad_norm':"));
  out_.emit(step);
}

void HfTrainer::start() {
  if (out_.started()) return;
  RunStart start;
  start.workload = "hf-trainer";
  start.config_json = config_.json();
  out_.emit(std::move(start));
}

}  // namespace smgate::contract
