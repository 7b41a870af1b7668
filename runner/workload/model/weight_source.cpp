#include "runner/workload/model/weight_source.hpp"

#include <bit>
#include <cmath>
#include <cstring>

namespace smgate::workload {

namespace {

std::uint16_t half_bits(const std::byte* bytes) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof bits);
  return bits;
}

float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

// IEEE 754 binary16; a subnormal's value is its fraction in units of 2^-24.
float from_f16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = bits >> 10 & 31u;
  const std::uint32_t fraction = bits & 1023u;
  if (exponent == 0) {
    const float value = static_cast<float>(fraction) * (1.0f / 16777216.0f);
    return sign == 0 ? value : -value;
  }
  const std::uint32_t wide = exponent == 31 ? 255u : exponent + 112u;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

}  // namespace

void FloatWeights::for_each_tensor(const Visit& visit) const {
  for (const TensorInfo& tensor : layout_) {
    const std::span<const float> values(values_.data() + tensor.offset, tensor.count);
    visit(tensor, Dtype::kF32, std::as_bytes(values));
  }
}

void FloatWeights::read(std::size_t index, std::size_t first, std::span<float> values) const {
  std::memcpy(values.data(), values_.data() + layout_[index].offset + first, values.size_bytes());
}

void to_floats(Dtype dtype, std::span<const std::byte> values, std::span<float> floats) {
  if (dtype == Dtype::kF32) {
    std::memcpy(floats.data(), values.data(), floats.size_bytes());
    return;
  }
  const bool bf16 = dtype == Dtype::kBf16;
  for (std::size_t i = 0; i < floats.size(); ++i) {
    const std::uint16_t bits = half_bits(values.data() + 2 * i);
    floats[i] = bf16 ? from_bf16(bits) : from_f16(bits);
  }
}

std::vector<float> floats_of(const WeightSource& source) {
  std::vector<float> floats(float_count(source.layout()));
  source.for_each_tensor([&](const TensorInfo& tensor, Dtype dtype, std::span<const std::byte> values) {
    to_floats(dtype, values, std::span(floats).subspan(tensor.offset, tensor.count));
  });
  return floats;
}

}  // namespace smgate::workload
