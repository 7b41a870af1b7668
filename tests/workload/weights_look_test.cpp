#include "runner/workload/files/weights_look.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "runner/workload/files/safetensors.hpp"

namespace smgate::workload::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

bool never() { return false; }

ReadAt reader_of(const std::string& bytes, std::size_t* largest = nullptr) {
  return [&bytes, largest](std::uint64_t offset, char* into, std::size_t count) {
    if (largest != nullptr) *largest = std::max(*largest, count);
    const std::size_t there = std::min<std::size_t>(count, bytes.size() - static_cast<std::size_t>(offset));
    std::memcpy(into, bytes.data() + offset, there);
    return there;
  };
}
WeightsLook look_at(const std::string& bytes) { return look_at_weights(bytes.size(), reader_of(bytes), never); }

std::vector<TensorInfo> layout(std::size_t count) { return {{"a", {count}, 0, count}}; }

template <class T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(T));
}
std::string text(const std::string& value) { return raw<std::uint64_t>(value.size()) + value; }

// A GGUF file of these tensor infos; each of them is one tensor of `type` with these sides at an offset.
struct Gguf {
  std::uint32_t version = 3;
  std::vector<std::string> values;
  std::vector<std::string> infos;
  std::string data;
  std::uint64_t announced = UINT64_MAX;

  Gguf& value(const std::string& key, std::uint32_t type, const std::string& bytes) {
    values.push_back(text(key) + raw(type) + bytes);
    return *this;
  }
  Gguf& tensor(std::uint32_t type, const std::vector<std::uint64_t>& sides, std::uint64_t offset) {
    std::string info = text("t") + raw(static_cast<std::uint32_t>(sides.size()));
    for (const std::uint64_t side : sides) info += raw(side);
    infos.push_back(info + raw(type) + raw(offset));
    return *this;
  }
  std::string bytes() const {
    const std::uint64_t count = announced == UINT64_MAX ? infos.size() : announced;
    std::string all = "GGUF" + raw(version) + raw(count) + raw<std::uint64_t>(values.size());
    for (const std::string& one : values) all += one;
    for (const std::string& one : infos) all += one;
    all.append((32 - all.size() % 32) % 32, '\0');
    return all + data;
  }
};

Gguf gguf_of(float last) {
  Gguf file;
  file.value("general.architecture", 8, text("llama"));
  file.value("tokens", 9, raw<std::uint32_t>(8) + raw<std::uint64_t>(2) + text("<s>") + text("</s>"));
  file.value("nested", 9,
             raw<std::uint32_t>(9) + raw<std::uint64_t>(1) + raw<std::uint32_t>(4) + raw<std::uint64_t>(1) + raw(1U));
  file.tensor(0, {2, 2}, 0).tensor(1, {2}, 32);
  file.data = raw(1.F) + raw(2.F) + raw(3.F) + raw(last) + std::string(16, '\0') + std::string(4, '\0');
  return file;
}

TEST(LookAtSafeTensors, SeesAWholeFileOfNumbers) {
  const WeightsLook look = look_at(safetensors_bytes(layout(3), {1, 2, 3}));
  EXPECT_EQ(look.container, "safetensors");
  EXPECT_EQ(look.whole, true);
  EXPECT_EQ(look.finite, true);
  EXPECT_EQ(look.tensors, 1U);
}

TEST(LookAtSafeTensors, SeesAValueThatIsNoNumber) {
  for (const float odd : {kNan, HUGE_VALF, -HUGE_VALF}) {
    const WeightsLook look = look_at(safetensors_bytes(layout(3), {1, odd, 3}));
    EXPECT_EQ(look.finite, false);
    EXPECT_EQ(look.whole, true);
  }
}

TEST(LookAtSafeTensors, SeesWhereverAFileIsCut) {
  const std::string whole = safetensors_bytes(layout(3), {1, 2, 3});
  for (std::size_t size = 9; size < whole.size(); ++size) {
    const WeightsLook look = look_at(whole.substr(0, size));
    EXPECT_EQ(look.container, "safetensors") << size;
    EXPECT_EQ(look.whole, false) << size;
    EXPECT_NE(look.text, "");
  }
}

TEST(LookAtSafeTensors, ReadsInBlocksWhateverTheSize) {
  const std::size_t count = 3U << 20U;  // 12 MB
  const std::string bytes = safetensors_bytes(layout(count), std::vector<float>(count, 1));
  std::size_t largest = 0;
  EXPECT_EQ(look_at_weights(bytes.size(), reader_of(bytes, &largest), never).finite, true);
  EXPECT_LE(largest, 1U << 20U);
}

TEST(LookAtSafeTensors, StopsWhereNoTimeIsLeft) {
  const std::string bytes = safetensors_bytes(layout(3), {1, kNan, 3});
  const WeightsLook look = look_at_weights(bytes.size(), reader_of(bytes), [] { return true; });
  EXPECT_EQ(look.whole, true);
  EXPECT_EQ(look.finite, std::nullopt);
  EXPECT_NE(look.text, "");
}

TEST(LookAtGguf, SeesAWholeFileOfNumbers) {
  const WeightsLook look = look_at(gguf_of(4).bytes());
  EXPECT_EQ(look.container, "gguf");
  EXPECT_EQ(look.whole, true) << look.text;
  EXPECT_EQ(look.finite, true);
  EXPECT_EQ(look.tensors, 2U);
  EXPECT_EQ(look_at(gguf_of(kNan).bytes()).finite, false);
}

TEST(LookAtGguf, SeesWhereverAFileIsCut) {
  const std::string whole = gguf_of(4).bytes();
  for (std::size_t size = 4; size < whole.size(); ++size)
    EXPECT_EQ(look_at(whole.substr(0, size)).whole, false) << size;
}

TEST(LookAtGguf, RefusesHeadersThatCannotBe) {
  const auto broken = [](const Gguf& file) {
    const WeightsLook look = look_at(file.bytes());
    return look.whole == false && !look.text.empty();
  };
  Gguf many = gguf_of(4), long_array = gguf_of(4), deep = gguf_of(4), typeless = gguf_of(4), odd = gguf_of(4);
  many.announced = 1ULL << 60U;
  long_array.value("x", 9, raw<std::uint32_t>(6) + raw<std::uint64_t>(UINT64_MAX));
  std::string nest;
  for (int i = 0; i < 10; ++i) nest += raw<std::uint32_t>(9) + raw<std::uint64_t>(1);
  deep.value("x", 9, nest);
  typeless.value("x", 77, "");
  odd.value("general.alignment", 4, raw(7U));
  for (const Gguf* file : {&many, &long_array, &deep, &typeless, &odd}) EXPECT_TRUE(broken(*file)) << file->bytes();
  for (const std::vector<std::uint64_t>& sides : {std::vector<std::uint64_t>(9, 1), {1ULL << 40U, 1ULL << 40U}, {1000}})
    EXPECT_TRUE(broken(gguf_of(4).tensor(0, sides, 64)));
  EXPECT_TRUE(broken(gguf_of(4).tensor(0, {1}, 0))) << "it lies on the first";
  EXPECT_TRUE(broken(gguf_of(4).tensor(0, {1}, 65))) << "on an odd place";
  EXPECT_TRUE(broken(gguf_of(4).tensor(2, {31}, 64))) << "quantised in blocks of 32";
}

TEST(LookAtGguf, SaysWhatItDoesNotKnow) {
  Gguf old = gguf_of(4), packed = gguf_of(4), strange = gguf_of(4);
  old.version = 1;
  packed.data.resize(64);
  packed.tensor(2, {32}, 64).data += std::string(18, '\0');
  strange.tensor(99, {1}, 64);
  EXPECT_EQ(look_at(old.bytes()).whole, std::nullopt);
  EXPECT_EQ(look_at(strange.bytes()).whole, std::nullopt);
  EXPECT_EQ(look_at(packed.bytes()).whole, true) << look_at(packed.bytes()).text;
  EXPECT_EQ(look_at(packed.bytes()).finite, std::nullopt);
  for (const Gguf* file : {&old, &packed, &strange}) EXPECT_NE(look_at(file->bytes()).text, "");
}

TEST(LookAtWeights, TellsContainersApart) {
  EXPECT_EQ(look_at(std::string("APR\0....................", 24)).container, "apr");
  EXPECT_EQ(look_at(std::string("APR\0....................", 24)).whole, std::nullopt);
  EXPECT_EQ(look_at("PK\3\4 a zip file of a pickle").container, "unknown");
  EXPECT_EQ(look_at("").container, "unknown");
}

}  // namespace
}  // namespace smgate::workload::test
