// vLLM's JIT monitor (github.com/vllm-project/vllm, vllm/utils/jit_monitor.py): a line in each worker when warm-up has
// ended, then one for each kernel that is compiled while it serves.
#pragma once

#include <string>

#include "common/contract/adapters/reader.hpp"

namespace smgate::contract {

class Vllm : public LogReader {
 public:
  static constexpr std::string_view kReads = "vLLM's JIT monitor: the end of warm-up, and compiles while it serves";
  static constexpr std::string_view kCannotKnow =
      "a kernel is told once, so counts are lower bounds; what warm-up compiled, and every hit, is silent";

  using LogReader::LogReader;
  void on_line(std::string_view line) override;

 private:
  void on_compile(std::string_view line, std::size_t at);

  std::string version_;
};

}  // namespace smgate::contract
