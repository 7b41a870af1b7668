// Megatron-LM (github.com/NVIDIA/Megatron-LM), megatron/training/training.py: with --log-interval 1, else steps are
// missing and losses are means.
#pragma once

#include "common/contract/adapters/reader.hpp"

namespace smgate::contract {

class Megatron : public LogReader {
 public:
  static constexpr std::string_view kReads = "Megatron-LM: its arguments and `iteration` lines (--log-interval 1)";
  static constexpr std::string_view kCannotKnow =
      "losses have seven digits and are means over the log interval; an iteration that it skips bears no loss";

  using LogReader::LogReader;
  void on_line(std::string_view line) override;

 private:
  void on_argument(std::string_view line);
  void on_iteration(std::string_view line, std::size_t at);
  void start();

  RunConfig config_;
};

}  // namespace smgate::contract
