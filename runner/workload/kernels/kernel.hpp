// What a kernel is made of: CUDA C++ text, the CPU reference beside it, its launch grid. Owned by the kernel's own file
// as a constant; read by Body, by the compilers and by back ends. Any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "smgate/keys.hpp"

namespace smgate::workload {

// Threads a block of every kernel here; the reductions' shared arrays have as many entries.
inline constexpr std::uint32_t kBlockThreads = 256;

// One argument of a launch, in the order of the CUDA signature.
class Arg {
 public:
  Arg(float* buffer) : kind_(Kind::kOutput), value_{.output = buffer} {}
  Arg(const float* buffer) : kind_(Kind::kInput), value_{.input = buffer} {}
  Arg(const std::int32_t* buffer) : kind_(Kind::kTokens), value_{.tokens = buffer} {}
  Arg(std::uint32_t value) : kind_(Kind::kUint), value_{.u32 = value} {}
  Arg(float value) : kind_(Kind::kFloat), value_{.f32 = value} {}

  // Where the launch of a real device reads this argument's value.
  const void* address() const { return &value_; }

 private:
  friend class Args;
  enum class Kind { kOutput, kInput, kTokens, kUint, kFloat };
  union Value {
    float* output;
    const float* input;
    const std::int32_t* tokens;
    std::uint32_t u32;
    float f32;
  };

  Kind kind_;
  Value value_;
};

// The arguments of a launch. A wrong index or type is a bug and aborts.
class Args {
 public:
  Args(std::initializer_list<Arg> args) : args_(args) {}

  float* out(std::size_t index) const { return at(index, Arg::Kind::kOutput).value_.output; }
  const float* in(std::size_t index) const;
  const std::int32_t* tokens(std::size_t index) const { return at(index, Arg::Kind::kTokens).value_.tokens; }
  std::uint32_t u32(std::size_t index) const { return at(index, Arg::Kind::kUint).value_.u32; }
  float f32(std::size_t index) const { return at(index, Arg::Kind::kFloat).value_.f32; }
  const std::vector<Arg>& all() const { return args_; }

 private:
  const Arg& at(std::size_t index, Arg::Kind kind) const;

  std::vector<Arg> args_;
};

struct Grid {
  std::uint32_t x;
  std::uint32_t y;
};

inline std::uint32_t blocks_for(std::uint32_t threads) { return (threads + kBlockThreads - 1) / kBlockThreads; }

struct KernelDef {
  const char* name;    // also the entry point in the CUDA text
  const char* source;  // CUDA C++; parameters are macros in upper case
  void (*cpu)(const Body& body, const Args& args);
  Grid (*grid)(const Body& body, const Args& args);  // blocks of kBlockThreads threads
  bool reduces = false;                              // wants block_sum and block_max before its text
  bool alone = false;                                // uses instructions of one architecture alone: built for sm_XYa
};

// What a body is compiled for on a device of `arch`, sm_XY: that, or sm_XYa where it is of that architecture alone.
std::string target_for(const Body& body, const std::string& arch);

// Key tokens.
std::string join_key(std::string_view name, std::initializer_list<std::uint32_t> shape);
std::string float_token(std::string_view name, float value);

}  // namespace smgate::workload
