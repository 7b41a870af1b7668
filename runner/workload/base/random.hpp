// Seeded numbers that are the same on every machine and library: SplitMix64 (Steele, Lea, Flood, 2014) and sums of
// uniforms, no transcendental functions. One a purpose; one thread.
#pragma once

#include <cstdint>

namespace smgate::workload {

class Random {
 public:
  static constexpr std::uint64_t kStride = 0x9e3779b97f4a7c15u;  // from one draw's state to the next one's

  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += kStride;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // In [0, bound); the bias of the remainder is below 2^-32 for the bounds used here.
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(next() % bound); }
  float uniform() { return static_cast<float>(next() >> 40) * (1.0f / 16777216.0f); }
  // Twelve uniforms less six: mean 0, deviation 1 (Irwin-Hall).
  float normal() {
    float sum = -6.0f;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }

 private:
  std::uint64_t state_;
};

}  // namespace smgate::workload
