#include "common/contract/adapters/nanogpt.hpp"

#include <array>

namespace smgate::contract {

void NanoGpt::on_line(std::string_view line) {
  if (line.starts_with("iter "))
    on_iteration(line);
  else if (has(line, "tokens per iteration will be: "))
    tokens_ = count_in(line.substr(line.rfind(' ') + 1));
  else if (has(line, " = "))
    on_setting(line);
}

// "Overriding: batch_size = 4", and the lines of a configuration file, which it prints.
void NanoGpt::on_setting(std::string_view line) {
  constexpr std::array<std::array<std::string_view, 2>, 6> kNames = {{{"batch_size", "batch_size"},
                                                                      {"block_size", "seq_len"},
                                                                      {"learning_rate", "learning_rate"},
                                                                      {"n_layer", "shapes.layers"},
                                                                      {"n_head", "shapes.heads"},
                                                                      {"n_embd", "shapes.channels"}}};
  constexpr std::string_view kOverriding = "Overriding: ";
  if (line.starts_with(kOverriding)) line.remove_prefix(kOverriding.size());
  const std::size_t equals = line.find(" = ");
  if (equals == std::string_view::npos) return;
  const std::string_view name = line.substr(0, equals);
  const std::string_view value = word_after(line.substr(equals), "= ");
  for (const auto& [known, setting] : kNames)
    if (name == known) config_.set(std::string(setting), value);
  if (name == "dtype") config_.set("math_mode", math_mode(value));
  if (name != "max_iters") return;
  last_ = count_in(value);
  if (last_) config_.set("steps", std::to_string(*last_ + 1));  // iterations 0 to max_iters, both
}

// iter 10: loss 3.1234, time 12.34ms, mfu 1.23%
void NanoGpt::on_iteration(std::string_view line) {
  const std::optional<std::uint64_t> index = count_in(between(line, "iter ", ":"));
  if (!index || !has(line, ": loss ")) return;
  if (!out_.started()) {
    RunStart start;
    start.workload = "nanogpt";
    start.config_json = config_.json();
    out_.emit(std::move(start));
  }
  Step step;
  step.step = *index;
  step.loss = float_in(word_after(line, ": loss "));
  step.ms = float_in(between(line, "time ", "ms"));
  step.tokens = tokens_;
  out_.emit(step);
  if (last_ && *index == *last_) out_.emit(RunEnd{"ok", ""});
}

}  // namespace smgate::contract
