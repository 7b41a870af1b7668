// Turns a body into code for an architecture. Owned by the run; asked by the kernel cache alone; any thread, many at
// once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runner/workload/base/outcome.hpp"
#include "smgate/kernel.hpp"

namespace smgate::workload {

struct Compiled {
  bool ok;
  std::string code;
  std::string target;  // as asked for
  std::string log;     // the compiler's words; may stand beside success
  double ms;
};

class Compiler {
 public:
  virtual ~Compiler() = default;
  // For run_start: name and version, or that nothing compiles here.
  virtual std::string describe() const = 0;
  virtual bool real() const = 0;
  virtual Compiled compile(const Body& body, const std::string& arch) const = 0;
  // All that the code depends on, for a cache's key: the compiler's version, options, the source, every header.
  virtual std::string inputs(const Body& body, const std::string& arch) const = 0;
};

// No compiler: code is the body's text, so that digests still tell bodies apart.
std::unique_ptr<Compiler> source_compiler();

// NVIDIA's run-time compiler, opened at run time: the file named by SMGATE_NVRTC, else by its soname, else in
// /usr/local/cuda. It needs neither a GPU nor a driver. Kernels may include headers of `folders`. Failure: where it was
// looked for.
Outcome<std::unique_ptr<Compiler>> open_nvrtc(std::vector<std::string> folders = {});

}  // namespace smgate::workload
