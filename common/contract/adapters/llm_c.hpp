// llm.c (github.com/karpathy/llm.c): train_gpt2.cu and its kin, and the CPU reference train_gpt2.c.
#pragma once

#include "common/contract/adapters/reader.hpp"

namespace smgate::contract {

class LlmC : public LogReader {
 public:
  static constexpr std::string_view kReads = "llm.c: its table of settings and its step lines";
  static constexpr std::string_view kCannotKnow =
      "losses are rounded to six digits; kernels are compiled ahead of time, so nothing is said of any cache";

  using LogReader::LogReader;
  void on_line(std::string_view line) override;

 private:
  void on_setting(std::string_view line);
  void on_step(std::string_view line);
  void start();

  RunConfig config_;
  std::string device_;
};

}  // namespace smgate::contract
