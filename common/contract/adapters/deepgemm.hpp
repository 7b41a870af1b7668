// DeepGEMM's JIT (github.com/deepseek-ai/DeepGEMM, csrc/jit), with DG_JIT_PRINT_COMPILER_COMMAND=1 and
// DG_JIT_PRINT_LOAD_TIME=1. Not with DG_JIT_DEBUG=1: that changes compiler flags, and so keys.
#pragma once

#include "common/contract/adapters/reader.hpp"

namespace smgate::contract {

class DeepGemm : public LogReader {
 public:
  static constexpr std::string_view kReads = "DeepGEMM's compiler commands and load times";
  static constexpr std::string_view kCannotKnow =
      "no end of warm-up is marked (give a pattern for prewarm_end); a compile in a temporary folder names no kernel";

  using LogReader::LogReader;
  void on_line(std::string_view line) override;

 private:
  void on_compile(std::string_view command);
  void on_load(std::string_view line);
};

}  // namespace smgate::contract
