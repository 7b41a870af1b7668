#include "common/contract/adapters/deepgemm.hpp"

#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr const char* kCache = "deepgemm";
constexpr std::size_t kDigestMax = 128;

// NAME.HASH out of .../cache/kernel.NAME.HASH/...; empty where a path has no such folder.
std::string_view kernel_of(std::string_view text) {
  const std::size_t start = text.find("/kernel.");
  if (start == std::string_view::npos) return {};
  const std::string_view name = text.substr(start + 8);
  const std::string_view word = name.substr(0, name.find_first_of("/ )"));
  return has(word, ".") ? word : std::string_view{};  // kernel.cu and kernel.cubin are files
}

}  // namespace

void DeepGemm::on_line(std::string_view line) {
  if (const std::size_t at = line.find("Running NVCC command: "); at != std::string_view::npos)
    on_compile(line.substr(at));
  else if (has(line, "NVRTC options: "))
    on_compile(line);
  else if (has(line, "NVCC compilation failed") || has(line, "NVRTC compilation failed"))
    out_.emit(ErrorText{std::string(line), out_.at()});
  else if (has(line, "Load time ("))
    on_load(line);
}

void DeepGemm::on_compile(std::string_view command) {
  Compile compile;
  compile.cache = kCache;
  compile.key = kernel_of(command);
  compile.target = word_after(command, ",code=");
  if (!is_arch_name(compile.target)) compile.target.clear();
  compile.ok = true;
  if (compile.key.empty()) compile.log = cut_utf8(command, 1000);
  compile.at = out_.at();
  out_.emit(std::move(compile));
}

// Load time (FOLDER): N ms
void DeepGemm::on_load(std::string_view line) {
  const std::string_view kernel = kernel_of(between(line, "Load time (", ")"));
  if (kernel.empty()) return;
  Load load;
  load.module = cut_utf8(kernel.substr(kernel.rfind('.') + 1), kDigestMax);
  if (load.module.empty()) return;
  load.cache = kCache;
  load.key = kernel;
  load.at = out_.at();
  out_.emit(std::move(load));
}

}  // namespace smgate::contract
