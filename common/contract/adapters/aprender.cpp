#include "common/contract/adapters/aprender.hpp"

#include <spdlog/fmt/fmt.h>

namespace smgate::contract {
namespace {

constexpr std::size_t kCachesMax = 16;  // aprender has two
constexpr std::size_t kCacheNameMax = 64;

}  // namespace

void Aprender::on_line(std::string_view line) {
  if (on_cache_line(line) || on_mark(line) || on_outcome(line)) return;
  if (has(line, "backward branch(es)") && has(line, "Patched ")) return on_patch(line);
  on_device(line);
}

// [FWD-CACHE] Compiling 'KEY' (ptx_len=N), and [FWD-CACHE] OK 'KEY'
bool Aprender::on_cache_line(std::string_view line) {
  const std::string cache(between(line, "[", "-CACHE] "));
  if (cache.empty() || cache.size() > kCacheNameMax || has(cache, "[")) return false;
  if (const std::string_view key = between(line, "Compiling '", "'"); !key.empty()) {
    end_compile(cache, false);  // one that never said OK
    if (compiling_.size() < kCachesMax)
      compiling_[cache] = {std::string(key), count_in(between(line, "ptx_len=", ")")), out_.line()};
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
  compile.at = out_.at(open->second.line);
  compiling_.erase(open);
  out_.emit(std::move(compile));
}

// A patch is the JIT of a module being loaded: inside a compile it is part of that; elsewhere no cache logged it.
void Aprender::on_patch(std::string_view line) {
  if (!compiling_.empty()) return;
  Compile compile;
  compile.cache = "unlogged";
  compile.ok = true;
  compile.log = line;
  compile.at = out_.at();
  out_.emit(std::move(compile));
}

bool Aprender::on_mark(std::string_view line) {
  PrewarmEnd mark{fmt::format("model {}", model_), "", std::nullopt, out_.at()};
  if (const std::string_view count = between(line, "Pre-warmed ", " forward kernels"); !count.empty()) {
    mark.claimed = count_in(count);
  } else if (has(line, "[BWD-PREWARM]") && has(line, "Skipping")) {
    mark.scope += " backward";
    mark.cache = "BWD";
  } else if (has(line, " transformer blocks uploaded to GPU")) {
    out_.emit(PayloadEnd{fmt::format("model {}", model_++), std::nullopt, out_.at()});
    return true;
  } else if (!has(line, "Backward rope kernel pre-warmed") && !has(line, "Backward kernels pre-warmed")) {
    return false;
  }
  out_.emit(std::move(mark));
  return true;
}

// ✓ Distillation complete: initial_loss=A → final_loss=B (N steps, S s): the losses of the first and the last step.
bool Aprender::on_outcome(std::string_view line) {
  if (!has(line, "Distillation complete:")) return false;
  const std::optional<double> initial = float_in(between(line, "initial_loss=", " "));
  const std::optional<double> final = float_in(between(line, "final_loss=", " "));
  const std::optional<std::uint64_t> steps = count_in(between(line, "(", " steps"));
  const auto step = [&](std::uint64_t index, double loss) {
    Step event;
    event.step = index;
    event.loss = loss;
    out_.emit(std::move(event));
  };
  if (initial && steps && *steps > 0) step(0, *initial);
  if (final && steps && *steps > 1) step(*steps - 1, *final);
  start();
  out_.emit(RunEnd{"ok", ""});
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
  if (is_arch_name(target_)) event.arch = target_;
  event.device = device_;
  out_.emit(std::move(event));
}

void Aprender::on_end() {
  while (!compiling_.empty()) end_compile(std::string(compiling_.begin()->first), false);
  if (!target_.empty() || !device_.empty()) start();
}

}  // namespace smgate::contract
