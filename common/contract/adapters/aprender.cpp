#include "common/contract/adapters/aprender.hpp"

#include <spdlog/fmt/fmt.h>

#include <charconv>

namespace smgate::contract {
namespace {

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

bool has(std::string_view line, std::string_view words) { return line.find(words) != std::string_view::npos; }

}  // namespace

void Aprender::on_line(std::string_view line) {
  if (on_cache_line(line) || on_mark(line) || on_outcome(line)) return;
  if (has(line, "backward branch(es)") && has(line, "Patched ")) return on_patch(line);
  on_device(line);
}

// [FWD-CACHE] Compiling 'KEY' (ptx_len=N), and [FWD-CACHE] OK 'KEY'
bool Aprender::on_cache_line(std::string_view line) {
  const std::string cache(between(line, "[", "-CACHE] "));
  if (cache.empty() || has(cache, "[")) return false;
  if (const std::string_view key = between(line, "Compiling '", "'"); !key.empty()) {
    end_compile(cache, false);  // one that never said OK
    compiling_[cache] = {std::string(key), number<std::uint64_t>(between(line, "ptx_len=", ")")), line_number()};
  } else if (const std::string_view done = between(line, "] OK '", "'"); !done.empty()) {
    if (const auto open = compiling_.find(cache); open != compiling_.end() && open->second.key == done)
      end_compile(cache, true);
  }
  return true;
}

void Aprender::end_compile(const std::string& cache, bool ok) {
  const auto open = compiling_.find(cache);
  if (open == compiling_.end()) return;
  Compile compile;
  compile.cache = cache;
  compile.key = open->second.key;
  compile.bytes = open->second.bytes;
  compile.ok = ok;
  if (!ok) compile.log = "no OK line followed";
  compile.at = at(open->second.line);
  compiling_.erase(open);
  emit(std::move(compile));
}

// A patch is the JIT of a module being loaded: inside a compile it is part of that; elsewhere no cache logged it.
void Aprender::on_patch(std::string_view line) {
  if (!compiling_.empty()) return;
  Compile compile;
  compile.cache = "unlogged";
  compile.ok = true;
  compile.log = line;
  compile.at = at();
  emit(std::move(compile));
}

bool Aprender::on_mark(std::string_view line) {
  PrewarmEnd mark{fmt::format("model {}", model_), "", std::nullopt, at()};
  if (const std::string_view count = between(line, "Pre-warmed ", " forward kernels"); !count.empty()) {
    mark.claimed = number<std::uint64_t>(count);
  } else if (has(line, "[BWD-PREWARM]") && has(line, "Skipping")) {
    mark.scope += " backward";
    mark.cache = "BWD";
  } else if (has(line, " transformer blocks uploaded to GPU")) {
    emit(PayloadEnd{fmt::format("model {}", model_++), std::nullopt, at()});
    return true;
  } else if (!has(line, "Backward rope kernel pre-warmed") && !has(line, "Backward kernels pre-warmed")) {
    return false;
  }
  emit(std::move(mark));
  return true;
}

// ✓ Distillation complete: initial_loss=A → final_loss=B (N steps, S s): the losses of the first and the last step.
bool Aprender::on_outcome(std::string_view line) {
  if (has(line, "CUDA_ERROR") || has(line, "panicked at") || line.starts_with("Error:")) {
    emit(ErrorText{std::string(line), at()});
    return true;
  }
  if (!has(line, "Distillation complete:")) return false;
  const std::optional<double> initial = number<double>(between(line, "initial_loss=", " "));
  const std::optional<double> final = number<double>(between(line, "final_loss=", " "));
  const std::optional<std::uint64_t> steps = number<std::uint64_t>(between(line, "(", " steps"));
  const auto step = [&](std::uint64_t index, double loss) {
    Step event;
    event.step = index;
    event.loss = loss;
    emit(std::move(event));
  };
  if (initial && steps && *steps > 0) step(0, *initial);
  if (final && steps && *steps > 1) step(*steps - 1, *final);
  start();
  emit(RunEnd{"ok", ""});
  return true;
}

void Aprender::on_device(std::string_view line) {
  if (const std::size_t target = line.find("Kernel cache initialized for target: "); target != std::string_view::npos)
    target_ = line.substr(line.find(": ", target) + 2);
  if (const std::size_t gpu = line.find("GPU: "); gpu != std::string_view::npos) device_ = line.substr(gpu + 5);
  if (!target_.empty() && !device_.empty()) start();
}

void Aprender::start() {
  if (started_) return;
  started_ = true;
  RunStart event;
  event.workload = "aprender";
  if (target_.starts_with("sm_")) event.arch = target_;
  event.device = device_;
  emit(std::move(event));
}

void Aprender::on_end() {
  for (const std::string cache : {"FWD", "BWD"}) end_compile(cache, false);
  if (!target_.empty() || !device_.empty()) start();
}

}  // namespace smgate::contract
