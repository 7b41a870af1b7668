#include "common/digest.hpp"

#include <gtest/gtest.h>

#include "common/base64.hpp"
#include "common/compress.hpp"
#include "common/random.hpp"

namespace smgate {
namespace {

TEST(Digest, AgreesWithGitHubsOwnSignatureVector) {
  EXPECT_EQ(hmac_sha256_hex("It's a Secret to Everybody", "Hello, World!"),
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
}

TEST(Digest, AgreesWithTheStandardsVector) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, ComparesContentAndLength) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
  EXPECT_TRUE(equal_in_constant_time("", ""));
}

TEST(Base64, BringsEveryLengthBack) {
  SeededRandom random(1);
  for (std::size_t length = 0; length < 70; ++length) {
    std::string bytes(length, '\0');
    for (char& c : bytes) c = static_cast<char>(random.below(256));
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes) << length;
  }
}

TEST(Base64, RefusesWhatIsNone) {
  EXPECT_EQ(base64_decode("abc"), std::nullopt);
  EXPECT_EQ(base64_decode("a!c="), std::nullopt);
}

TEST(Compress, BringsBytesBackAndKeepsItsBound) {
  const std::string text(100'000, 'x');
  const std::string frame = zstd_compress(text);
  EXPECT_LT(frame.size(), 1000U);
  EXPECT_EQ(zstd_decompress(frame, text.size()).value(), text);
  EXPECT_FALSE(zstd_decompress(frame, text.size() - 1).has_value());
  EXPECT_FALSE(zstd_decompress("no frame", 100).has_value());
  EXPECT_FALSE(zstd_decompress(frame.substr(0, frame.size() / 2), text.size()).has_value());
}

}  // namespace
}  // namespace smgate
