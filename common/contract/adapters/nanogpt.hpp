// nanoGPT (github.com/karpathy/nanoGPT), train.py: with log_interval=1, else steps are missing.
#pragma once

#include "common/contract/adapters/reader.hpp"

namespace smgate::contract {

class NanoGpt : public LogReader {
 public:
  static constexpr std::string_view kReads = "nanoGPT: overridden settings and `iter` lines (log_interval=1)";
  static constexpr std::string_view kCannotKnow =
      "losses are rounded to four digits and are those of the last micro-batch; defaults that nobody overrides are "
      "silent";

  using LogReader::LogReader;
  void on_line(std::string_view line) override;

 private:
  void on_setting(std::string_view line);
  void on_iteration(std::string_view line);

  RunConfig config_;
  std::optional<std::uint64_t> last_, tokens_;  // the last iteration, where the settings say it
};

}  // namespace smgate::contract
