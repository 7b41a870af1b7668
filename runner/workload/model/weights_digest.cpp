// Digests of weights, fast enough that a run of seconds can attest gigabytes.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "runner/workload/base/parallel.hpp"
#include "runner/workload/base/sha256.hpp"
#include "runner/workload/model/weight_source.hpp"

namespace smgate::workload {

namespace {

static_assert(std::endian::native == std::endian::little, "values are digested as SafeTensors holds them");

const char* name_of(Dtype dtype) { return dtype == Dtype::kF32 ? "F32" : dtype == Dtype::kF16 ? "F16" : "BF16"; }

// A value is no number where every bit of its exponent is set.
template <class Bits>
bool finite_bits(std::span<const std::byte> bytes, Bits exponent) {
  bool finite = true;
  for (std::size_t at = 0; at + sizeof(Bits) <= bytes.size(); at += sizeof(Bits)) {
    Bits bits;
    std::memcpy(&bits, bytes.data() + at, sizeof bits);
    finite &= (bits & exponent) != exponent;
  }
  return finite;
}

bool finite_piece(Dtype dtype, std::span<const std::byte> bytes) {
  if (dtype == Dtype::kF32) return finite_bits<std::uint32_t>(bytes, 0x7f800000u);
  return finite_bits<std::uint16_t>(bytes, dtype == Dtype::kF16 ? 0x7c00 : 0x7f80);
}

std::string shape_text(const TensorInfo& tensor) {
  std::string text = tensor.name;
  for (const std::size_t side : tensor.shape) text += " " + std::to_string(side);
  return text;
}

std::string recipe_line(const TensorInfo& tensor, const SeededTensor& recipe) {
  return shape_text(tensor) + " seeded " + std::to_string(static_cast<int>(recipe.kind)) + " " +
         std::to_string(recipe.state) + " " + std::to_string(std::bit_cast<std::uint32_t>(recipe.deviation)) + "\n";
}

}  // namespace

std::string digest_start(const TensorInfo& tensor, Dtype dtype) { return shape_text(tensor) + " " + name_of(dtype); }

PartCheck check_part(Dtype dtype, std::span<const std::byte> values, const SeePiece& also) {
  std::vector<std::string> digests((values.size() + kDigestPieceBytes - 1) / kDigestPieceBytes);
  std::atomic<bool> finite{true};
  parallel_for(digests.size(), [&](std::size_t piece) {
    const std::size_t first = piece * kDigestPieceBytes;
    const auto bytes = values.subspan(first, std::min(kDigestPieceBytes, values.size() - first));
    Sha256 hash;
    hash.update(bytes.data(), bytes.size());
    digests[piece] = hash.hex();
    if (!finite_piece(dtype, bytes)) finite = false;
    if (also) also(first, bytes);
  });
  PartCheck check{"", finite};
  for (const std::string& digest : digests) check.digests += " " + digest;
  return check;
}

std::string weights_digest(const WeightSource& source) {
  Sha256 hash;
  if (const auto* recipes = source.recipes()) {
    for (std::size_t i = 0; i < recipes->size(); ++i) hash.update(recipe_line(source.layout()[i], (*recipes)[i]));
    return hash.hex();
  }
  source.for_each_tensor([&](const TensorInfo& tensor, Dtype dtype, std::span<const std::byte> values) {
    hash.update(digest_start(tensor, dtype) + check_part(dtype, values).digests + "\n");
  });
  return hash.hex();
}

bool weights_finite(const WeightSource& source) {
  if (source.recipes() != nullptr) return true;
  bool finite = true;
  source.for_each_tensor([&](const TensorInfo&, Dtype dtype, std::span<const std::byte> values) {
    finite = finite && finite_piece(dtype, values);
  });
  return finite;
}

}  // namespace smgate::workload
