// Every body that a GPU's pre-warm of a scale offers, taken as the kernel cache would. Needs no GPU.
#pragma once

#include <map>
#include <string>

#include "runner/workload/cache/compiler.hpp"
#include "runner/workload/cuda/prewarm.hpp"
#include "runner/workload/run/config.hpp"
#include "tests/workload/support.hpp"

namespace smgate::workload::test {

// Keeps what it is asked to compile.
class KeyRecorder : public Compiler {
 public:
  explicit KeyRecorder(std::map<std::string, Body>& bodies) : bodies_(bodies) {}
  std::string describe() const override { return "recorder"; }
  bool real() const override { return false; }
  std::string inputs(const Body& body, const std::string&) const override { return body.text(); }
  Compiled compile(const Body& body, const std::string& arch) const override {
    bodies_.emplace(body.digest(), body);
    return {true, body.text(), arch, "", 0.0};
  }

 private:
  std::map<std::string, Body>& bodies_;
};

// By digest, compiled for `arch`.
inline std::map<std::string, Body> cuda_kernels(const std::string& scale, Math math, const std::string& arch) {
  std::map<std::string, Body> bodies;
  Parts parts("sm_89", std::make_unique<KeyRecorder>(bodies), {nullptr, arch, false, 0});
  RunConfig config = *config_of_scale(scale);
  config.gpu = true;
  config.math = math;
  for (const auto warm : {cuda::warm_teacher, cuda::warm_student, cuda::warm_student_backward}) {
    parts.cache().begin_prewarm("all");
    warm(parts.cache(), config);
    parts.cache().end_prewarm();
  }
  return bodies;
}

}  // namespace smgate::workload::test
