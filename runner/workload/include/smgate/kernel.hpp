// A kernel's body: its name, the parameters that it is built with, its CUDA C++ text. Owned by whoever builds it, a
// plain value; built by the functions of keys.hpp, kept by the kernel cache, read by back ends. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smgate::workload {

struct KernelDef;  // a kernel's CUDA text and CPU reference: runner/workload/kernels/kernel.hpp

struct Param {
  std::string name;
  std::uint32_t bits;  // of an unsigned integer or of an IEEE 754 single
  bool is_float;
};

Param uint_param(std::string name, std::uint32_t value);
Param float_param(std::string name, float value);

class Body {
 public:
  explicit Body(const KernelDef& definition, std::vector<Param> params = {});

  const KernelDef& definition() const { return *definition_; }
  std::string_view kernel() const;
  // Asking for a parameter that the kernel does not have is a bug and aborts.
  std::uint32_t u32(std::string_view name) const;
  float f32(std::string_view name) const;

  // The whole CUDA C++ program: parameters as macros, then the kernel.
  std::string text() const;
  // SHA-256 of text(), lower-case hex.
  std::string digest() const;

 private:
  const Param& find(std::string_view name) const;

  const KernelDef* definition_;
  std::vector<Param> params_;
};

}  // namespace smgate::workload
