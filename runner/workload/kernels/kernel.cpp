#include "runner/workload/kernels/kernel.hpp"

#include <bit>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "runner/workload/base/sha256.hpp"

namespace smgate::workload {

namespace {

// Sums and maxima over a block of kBlockThreads threads, the same in every thread; shared memory: 1 KB.
constexpr const char* kBlockReductions = R"cuda(
__device__ float block_sum(float value) {
  __shared__ float partial[256];
  __syncthreads();
  partial[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = 128u; half > 0u; half >>= 1) {
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
    __syncthreads();
  }
  return partial[0];
}
__device__ float block_max(float value) {
  __shared__ float partial[256];
  __syncthreads();
  partial[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = 128u; half > 0u; half >>= 1) {
    if (threadIdx.x < half) partial[threadIdx.x] = fmaxf(partial[threadIdx.x], partial[threadIdx.x + half]);
    __syncthreads();
  }
  return partial[0];
}
)cuda";

std::string hex_bits(std::uint32_t bits) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", bits);
  return text;
}

std::string macro_name(std::string_view name) {
  std::string upper;
  for (const char letter : name) {
    upper += letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  }
  return upper;
}

std::string macro(const Param& param) {
  const std::string start = "#define " + macro_name(param.name) + " ";
  if (!param.is_float) return start + std::to_string(param.bits) + "u\n";
  char decimal[32];
  const auto end = std::to_chars(decimal, decimal + sizeof decimal, std::bit_cast<float>(param.bits));
  return start + "__uint_as_float(0x" + hex_bits(param.bits) + "u)  // " + std::string(decimal, end.ptr) + "\n";
}

[[noreturn]] void fail_bug(std::string_view what, std::string_view detail) {
  std::fprintf(stderr, "smgate bug: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(detail.size()), detail.data());
  std::abort();
}

}  // namespace

Param uint_param(std::string name, std::uint32_t value) { return Param{std::move(name), value, false}; }
Param float_param(std::string name, float value) {
  return Param{std::move(name), std::bit_cast<std::uint32_t>(value), true};
}

Body::Body(const KernelDef& definition, std::vector<Param> params)
    : definition_(&definition), params_(std::move(params)) {}

std::string_view Body::kernel() const { return definition_->name; }

const Param& Body::find(std::string_view name) const {
  for (const Param& param : params_) {
    if (param.name == name) return param;
  }
  fail_bug("kernel without parameter", std::string(kernel()) + " " + std::string(name));
}

std::uint32_t Body::u32(std::string_view name) const { return find(name).bits; }
float Body::f32(std::string_view name) const { return std::bit_cast<float>(find(name).bits); }

std::string Body::text() const {
  std::string text = "// " + std::string(kernel()) + "\n";
  for (const Param& param : params_) text += macro(param);
  if (definition_->reduces) text += kBlockReductions;
  return text + definition_->source;
}

std::string Body::digest() const { return sha256_hex(text()); }

const Arg& Args::at(std::size_t index, Arg::Kind kind) const {
  if (index >= args_.size() || args_[index].kind_ != kind) fail_bug("wrong launch argument", std::to_string(index));
  return args_[index];
}

const float* Args::in(std::size_t index) const {
  // What one kernel wrote is what the next one reads: an output buffer may stand where an input is asked for.
  if (index < args_.size() && args_[index].kind_ == Arg::Kind::kOutput) return args_[index].value_.output;
  return at(index, Arg::Kind::kInput).value_.input;
}

std::string target_for(const Body& body, const std::string& arch) {
  return arch + (body.definition().alone ? "a" : "");
}

std::string join_key(std::string_view name, std::initializer_list<std::uint32_t> shape) {
  std::string key(name);
  for (const std::uint32_t token : shape) key += "_" + std::to_string(token);
  return key;
}

std::string float_token(std::string_view name, float value) {
  return "_" + std::string(name) + hex_bits(std::bit_cast<std::uint32_t>(value));
}

}  // namespace smgate::workload
