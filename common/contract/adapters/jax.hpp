// JAX with JAX_LOG_COMPILES=1 (github.com/jax-ml/jax, jax/_src/compiler.py, dispatch.py, interpreters/pxla.py).
#pragma once

#include <string>

#include "common/contract/adapters/reader.hpp"

namespace smgate::contract {

class Jax : public LogReader {
 public:
  static constexpr std::string_view kReads = "JAX_LOG_COMPILES=1: XLA compiles, and hits of the persistent cache";
  static constexpr std::string_view kCannotKnow =
      "no end of warm-up is marked (give a pattern for prewarm_end), and a call served by the cache in memory is "
      "silent";

  using LogReader::LogReader;
  void on_line(std::string_view line) override;
  void on_end() override;

 private:
  void on_finished(std::string_view line);

  std::string compiling_, shapes_;   // the function last said to be compiling, and for which arguments
  std::string served_, served_key_;  // the module that the persistent cache served last
  bool spoke_ = false, warm_ = false;
};

}  // namespace smgate::contract
