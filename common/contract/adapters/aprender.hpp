// Logs of aprender's `apr distill` (github.com/paiml/aprender). Marks come after what they mark, so compiles belong to
// the next pre-warm mark; hits are silent.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/contract/adapters/adapter.hpp"

namespace smgate::contract {

class Aprender : public Adapter {
 public:
  using Adapter::Adapter;
  std::string_view cannot_know() const override {
    return "an aprender log shows no hits, no bodies and no per-step losses; its printed losses are rounded";
  }

 private:
  struct Compiling {
    std::string key;
    std::optional<std::uint64_t> bytes;
    std::uint64_t line = 0;
  };

  void on_line(std::string_view line) override;
  void on_end() override;

  bool on_cache_line(std::string_view line);
  bool on_mark(std::string_view line);
  bool on_outcome(std::string_view line);
  void on_device(std::string_view line);
  void on_patch(std::string_view line);
  void end_compile(const std::string& cache, bool ok);
  void start();

  std::map<std::string, Compiling> compiling_;  // by cache: FWD, BWD
  int model_ = 1;
  std::string target_, device_;
  bool started_ = false;
};

}  // namespace smgate::contract
