#include "common/contract/adapters/jax.hpp"

#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr const char* kCache = "xla";
constexpr std::size_t kShapesMax = 1000;
constexpr std::size_t kDigestMax = 128;

// One function is jit(f), jit_f or f, by the line and by JAX's version.
std::string_view function_of(std::string_view name) {
  if (name.starts_with("jit(")) name = name.substr(4, name.find(')') - 4);
  if (name.starts_with("jit_")) name.remove_prefix(4);
  return name;
}

}  // namespace

void Jax::on_line(std::string_view line) {
  if (has(line, "Compiling ") && has(line, "with global shapes and types ")) {
    const std::string_view name = word_after(line, "Compiling ");
    compiling_ = function_of(has(line, "Compiling jit(") ? between(line, "Compiling ", " with") : name);
    const std::size_t at = line.find("shapes and types ") + 17;
    shapes_ = cut_utf8(line.substr(at, line.find(". Argument mapping") - at), kShapesMax);
  } else if (has(line, "Persistent compilation cache hit for '")) {
    served_ = function_of(between(line, "cache hit for '", "'"));
    served_key_ = between(line, "with key '", "'");
    warm_ = true;
  } else if (has(line, "Finished XLA compilation of ")) {
    on_finished(line);
  }
}

// Finished XLA compilation of jit(f) in 0.25 sec: logged around the persistent cache, too.
void Jax::on_finished(std::string_view line) {
  const std::string function(function_of(between(line, "Finished XLA compilation of ", " in ")));
  const std::optional<double> seconds = float_in(between(line, " in ", " sec"));
  if (function.empty()) return;
  spoke_ = true;
  const std::string key = compiling_ == function ? function + shapes_ : function;
  if (served_ == function && !function.empty()) {
    Load load;
    load.module = served_key_.empty() ? function : served_key_.substr(served_key_.rfind('-') + 1);
    load.module = cut_utf8(load.module.empty() ? function : load.module, kDigestMax);
    load.cache = kCache;
    load.key = key;
    load.at = out_.at();
    out_.emit(std::move(load));
  } else {
    Compile compile;
    compile.cache = kCache;
    compile.key = key;
    if (seconds) compile.ms = *seconds * 1000;
    compile.ok = true;
    compile.at = out_.at();
    out_.emit(std::move(compile));
  }
  served_.clear();
  compiling_.clear();
}

// At the end, since only the whole log says whether a disk cache served anything.
void Jax::on_end() {
  if (!spoke_ || out_.started()) return;
  RunStart start;
  start.workload = "jax";
  if (warm_) start.cold = false;
  out_.emit(std::move(start));
}

}  // namespace smgate::contract
