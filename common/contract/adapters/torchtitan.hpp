// torchtitan (github.com/pytorch/torchtitan), components/metrics.py: with log_freq=1, else steps are missing.
#pragma once

#include "common/contract/adapters/reader.hpp"

namespace smgate::contract {

class Torchtitan : public LogReader {
 public:
  static constexpr std::string_view kReads = "torchtitan: `step:` lines, coloured or not (metrics.log_freq = 1)";
  static constexpr std::string_view kCannotKnow =
      "losses are rounded to five digits; compiles of torch.compile and Triton are silent";

  using LogReader::LogReader;
  void on_line(std::string_view line) override;

 private:
  void on_step(std::string_view line);
  void start();

  RunConfig config_;
  std::string device_;
};

}  // namespace smgate::contract
