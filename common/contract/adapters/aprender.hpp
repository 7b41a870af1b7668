// Logs of aprender's `apr distill` (github.com/paiml/aprender). Marks come after what they mark, so compiles belong to
// the next pre-warm mark; hits are silent.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/contract/adapters/reader.hpp"

namespace smgate::contract {

class Aprender : public LogReader {
 public:
  static constexpr std::string_view kReads =
      "`apr distill`: its forward and backward cache, marks, first and last loss";
  static constexpr std::string_view kCannotKnow =
      "hits are silent, no body and no per-step loss is printed, and the two losses that are printed are rounded";

  using LogReader::LogReader;
  void on_line(std::string_view line) override;
  void on_end() override;

 private:
  struct Compiling {
    std::string key;
    std::optional<std::uint64_t> bytes;
    std::uint64_t line = 0;
  };

  bool on_cache_line(std::string_view line);
  bool on_mark(std::string_view line);
  bool on_outcome(std::string_view line);
  void on_device(std::string_view line);
  void on_patch(std::string_view line);
  void end_compile(const std::string& cache, bool ok);
  void start();

  std::map<std::string, Compiling> compiling_;  // by cache: FWD, BWD; at most kCachesMax
  int model_ = 1;
  std::string target_, device_;
  bool started_ = false;
};

}  // namespace smgate::contract
