#include "common/contract/adapters/vllm.hpp"

namespace smgate::contract {
namespace {

constexpr const char* kScope = "warm-up";
constexpr const char* kCache = "triton";
constexpr std::string_view kCompile = "JIT compilation during inference: ";

}  // namespace

void Vllm::on_line(std::string_view line) {
  if (has(line, "LLM engine (v")) version_ = between(line, "LLM engine (v", ")");
  if (has(line, "Kernel JIT monitor activated") && !has(line, "not supported")) {
    RunStart start;
    start.workload = "vllm";
    start.version = version_;
    if (!out_.started()) out_.emit(std::move(start));
    out_.emit(PrewarmEnd{kScope, "", std::nullopt, out_.at()});
  } else if (const std::size_t at = line.find(kCompile); at != std::string_view::npos) {
    on_compile(line, at);
  }
}

// ... Triton kernel JIT compilation during inference: NAME (key=[...]). This causes a latency spike; ...
// Older ones name the kernel alone; other compilers stand in Triton's place.
void Vllm::on_compile(std::string_view line, std::size_t at) {
  std::string_view what = line.substr(at + kCompile.size());
  what = what.substr(0, what.find(". This causes"));
  const std::size_t key = what.find(" (key=");
  std::string name(what.substr(0, key));
  if (key != std::string_view::npos) name += what.substr(key + 6, what.rfind(')') - (key + 6));
  Compile compile;
  compile.cache = has(line.substr(0, at), "Triton") ? kCache : "jit";
  compile.key = name;
  compile.ok = true;
  compile.at = out_.at();
  out_.emit(std::move(compile));
}

}  // namespace smgate::contract
