// Hugging Face's Trainer (github.com/huggingface/transformers): the dictionaries that it prints, with
// logging_steps=1. Newer versions quote the numbers.
#pragma once

#include "common/contract/adapters/reader.hpp"

namespace smgate::contract {

class HfTrainer : public LogReader {
 public:
  static constexpr std::string_view kReads =
      "Hugging Face's Trainer: its settings and its dictionaries (logging_steps=1)";
  static constexpr std::string_view kCannotKnow =
      "lines bear no step, so each counts as one; with more logging_steps each is a mean, rounded to four digits";

  using LogReader::LogReader;
  void on_line(std::string_view line) override;

 private:
  void on_setting(std::string_view line);
  void on_step(std::string_view line);
  void start();

  RunConfig config_;
  std::uint64_t steps_ = 0;
};

}  // namespace smgate::contract
