// What every kernel's text starts with, and how a text becomes a definition. Used by the files beside this one alone;
// pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "runner/workload/cuda/kernels/kernels.hpp"
#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload::cuda {

// One kernel's text behind the shared start; make one `static const` for each kernel, for bodies point to it.
class Text {
 public:
  // `alone`: KernelDef::alone.
  Text(const char* name, std::string_view parts, bool alone = false);
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  const KernelDef& definition() const { return definition_; }

 private:
  std::string source_;
  KernelDef definition_;
};

// "name_bf16" or "name_f32": a key says everything that its body depends on.
std::string stored(std::string_view name, Storage storage);
Param storage_param(Storage storage);

}  // namespace smgate::workload::cuda
