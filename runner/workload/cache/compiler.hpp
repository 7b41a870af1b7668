// Turns a body into code for an architecture. Owned by the run; asked by the kernel cache alone; one thread.
#pragma once

#include <memory>
#include <string>

#include "runner/workload/base/outcome.hpp"
#include "smgate/kernel.hpp"

namespace smgate::workload {

struct Compiled {
  bool ok;
  std::string code;
  std::string target;  // sm_XY
  std::string log;     // the compiler's words; may stand beside success
  double ms;
};

class Compiler {
 public:
  virtual ~Compiler() = default;
  // For run_start: name and version, or that nothing compiles here.
  virtual std::string describe() const = 0;
  virtual bool real() const = 0;
  virtual Compiled compile(const Body& body, const std::string& arch) = 0;
};

// No compiler: code is the body's text, so that digests still tell bodies apart.
std::unique_ptr<Compiler> source_compiler();

// NVIDIA's run-time compiler, opened at run time: the file named by SMGATE_NVRTC, else by its soname, else in
// /usr/local/cuda. It needs neither a GPU nor a driver. Failure: where it was looked for.
Outcome<std::unique_ptr<Compiler>> open_nvrtc();

}  // namespace smgate::workload
