#include "runner/workload/files/safetensors.hpp"

#include <gtest/gtest.h>

#include "runner/workload/files/container.hpp"
#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

std::vector<TensorInfo> layout() { return {{"a", {2, 3}, 0, 6}, {"b", {4}, 6, 4}}; }
std::vector<float> values() { return {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; }

std::string with_header(const std::string& header, std::size_t data_bytes) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(header.size() >> shift & 255);
  return bytes + header + std::string(data_bytes, '\0');
}

std::string error_of(const std::string& header, std::size_t data_bytes = 16) {
  const auto file = parse_safetensors(with_header(header, data_bytes));
  return file ? "" : file.error();
}

TEST(SafeTensors, ReadsBackWhatItWrote) {
  const Scratch scratch;
  const std::string path = (scratch / "model.safetensors").string();
  write_file(path, safetensors_bytes(layout(), values()));
  const auto file = read_safetensors(path);
  ASSERT_TRUE(file) << file.error();
  EXPECT_EQ(file.value().tensors.size(), 2u);
  EXPECT_EQ(values_of(file.value(), layout()).value(), values());
  EXPECT_EQ(container_of(first_bytes_of(path), std::filesystem::file_size(path)), "safetensors");
}

TEST(SafeTensors, RefusesAModelOfOtherShapes) {
  const auto file = parse_safetensors(safetensors_bytes(layout(), values()));
  ASSERT_TRUE(file);
  EXPECT_FALSE(values_of(file.value(), {{"a", {3, 2}, 0, 6}, {"b", {4}, 6, 4}}));
  EXPECT_FALSE(values_of(file.value(), {{"a", {2, 3}, 0, 6}, {"c", {4}, 6, 4}}));
  EXPECT_FALSE(values_of(file.value(), {{"a", {2, 3}, 0, 6}}));
  EXPECT_FALSE(values_of(file.value(), {{"a", {2, 3, 1}, 0, 6}, {"b", {4}, 6, 4}}));
}

TEST(SafeTensors, RefusesHeadersThatCannotBe) {
  EXPECT_FALSE(parse_safetensors(""));
  EXPECT_FALSE(parse_safetensors("1234567"));
  EXPECT_TRUE(parse_safetensors(std::string("APRN\1\0\0\0tail", 12)).error().starts_with("header too large"));
  EXPECT_TRUE(
      parse_safetensors(std::string("\xff\xff\0\0\0\0\0\0{}", 10)).error().starts_with("invalid header length"));
  for (const char* header :
       {"", "{", "[]", "{}{}", "{\"a\"}", "{\"a\":1}", "{\"a\":{}}", "null", "{\"a\":{\"dtype\":\"F32\"",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16],}}"}) {
    EXPECT_FALSE(error_of(header, 16).empty()) << header;
  }
}

std::string one_tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

TEST(SafeTensors, HoldsEveryTensorAgainstItsPlace) {
  EXPECT_EQ(error_of(one_tensor("F32", "[4]", "[0,16]")), "");
  EXPECT_EQ(error_of(one_tensor("BF16", "[2,4]", "[0,16]")), "");
  EXPECT_EQ(error_of(one_tensor("F32", "[]", "[0,4]"), 4), "");
  for (const auto& [shape, offsets] : {std::pair<const char*, const char*>{"[4]", "[0,12]"},
                                       {"[4]", "[16,0]"},
                                       {"[4]", "[0,32]"},
                                       {"[4]", "[1,17]"},
                                       {"[3]", "[0,16]"},
                                       {"[4]", "[0]"},
                                       {"[-4]", "[0,16]"},
                                       {"[4.0]", "[0,16]"},
                                       {"[4294967296,4294967296,16]", "[0,16]"},
                                       {"[18446744073709551616]", "[0,16]"},
                                       {"[3]", "[0,12]"}}) {
    EXPECT_NE(error_of(one_tensor("F32", shape, offsets)), "") << shape << " " << offsets;
  }
  EXPECT_NE(error_of(one_tensor("F33", "[4]", "[0,16]")), "");
}

TEST(SafeTensors, RefusesOverlapsHolesAndDoubles) {
  const auto two = [](const std::string& second, const std::string& offsets) {
    return R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},")" + second +
           R"(":{"dtype":"F32","shape":[2],"data_offsets":)" + offsets + "}}";
  };
  EXPECT_EQ(error_of(two("b", "[8,16]")), "");
  EXPECT_NE(error_of(two("b", "[0,8]"), 8), "");
  EXPECT_NE(error_of(two("b", "[4,12]"), 12), "");
  EXPECT_NE(error_of(two("b", "[12,20]"), 20), "");
  EXPECT_NE(error_of(two("a", "[8,16]")), "");
}

TEST(SafeTensors, SurvivesEveryCutAndEveryFlippedByte) {
  const std::string whole = safetensors_bytes(layout(), values());
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(parse_safetensors(std::string_view(whole).substr(0, length)));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x15);
    const auto file = parse_safetensors(flipped);
    if (file) values_of(file.value(), layout());
  }
}

TEST(Container, IsToldByItsFirstBytes) {
  EXPECT_EQ(container_of("APRN....", 100), "apr");
  EXPECT_EQ(container_of(std::string_view("APR\0....", 8), 100), "apr");
  EXPECT_EQ(container_of("GGUF....", 100), "gguf");
  EXPECT_EQ(container_of(std::string_view("\2\0\0\0\0\0\0\0{}", 10), 10), "safetensors");
  EXPECT_EQ(container_of(std::string_view("\3\0\0\0\0\0\0\0{}", 10), 10), "unknown");
  EXPECT_EQ(container_of("", 0), "unknown");
  EXPECT_EQ(container_of("PK\3\4 zip", 100), "unknown");
  EXPECT_EQ(magic_hex("APR"), "415052");
}

TEST(WriteFile, ThrowsWhereItCannotWriteAndLeavesNoPart) {
  const Scratch scratch;
  EXPECT_THROW(write_file((scratch / "no" / "model").string(), "x"), RunFailure);
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

}  // namespace
}  // namespace smgate::workload::test
