#include "common/contract/adapters/megatron.hpp"

#include <array>
#include <limits>

namespace smgate::contract {

void Megatron::on_line(std::string_view line) {
  if (const std::size_t at = line.find("iteration "); at != std::string_view::npos && has(line, " | "))
    on_iteration(line, at);
  else if (has(line, "[after training is done]"))
    start(), out_.emit(RunEnd{"ok", ""});
  else if (has(line, " ..."))
    on_argument(line);
}

//   seq_length ...................................... 2048
void Megatron::on_argument(std::string_view line) {
  constexpr std::array<std::array<std::string_view, 2>, 6> kNames = {{{"global_batch_size", "batch_size"},
                                                                      {"seq_length", "seq_len"},
                                                                      {"lr", "learning_rate"},
                                                                      {"train_iters", "steps"},
                                                                      {"seed", "seed"},
                                                                      {"params_dtype", "math_mode"}}};
  const std::string_view name = trimmed(line.substr(0, line.find(" ...")));
  const std::size_t dots = line.rfind("... ");
  if (dots == std::string_view::npos) return;
  std::string_view value = trimmed(line.substr(dots + 4));
  if (value.starts_with("torch.")) value = math_mode(value.substr(6));
  for (const auto& [known, setting] : kNames)
    if (name == known) config_.set(std::string(setting), value);
}

// [2025-01-01 12:00:00] iteration        5/      50 | consumed samples: 640 | ... | lm loss: 1.081000E+01 | ...
void Megatron::on_iteration(std::string_view line, std::size_t at) {
  const std::optional<std::uint64_t> number = count_in(trimmed(between(line.substr(at), "iteration ", "/")));
  const std::optional<std::uint64_t> total = count_in(trimmed(between(line.substr(at), "/", "|")));
  if (!number || *number == 0 || !total) return;
  if (!config_.has("steps")) config_.set("steps", std::to_string(*total));
  if (!config_.has("batch_size")) config_.set("batch_size", word_after(line, "global batch size:"));
  start();
  Step step;
  step.step = *number - 1;
  step.loss = float_in(word_after(line, " lm loss:"));
  step.grad_norm = float_in(word_after(line, " grad norm:"));
  step.ms = float_in(word_after(line, "elapsed time per iteration (ms):"));
  // The loss of such an iteration is left out of the mean that it prints.
  if (count_in(word_after(line, "number of nan iterations:")).value_or(0) > 0)
    step.loss = std::numeric_limits<double>::quiet_NaN();
  out_.emit(step);
}

void Megatron::start() {
  if (out_.started()) return;
  RunStart start;
  start.workload = "megatron";
  start.config_json = config_.json();
  out_.emit(std::move(start));
}

}  // namespace smgate::contract
