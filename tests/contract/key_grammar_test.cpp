#include "common/contract/key_grammar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smgate::contract {
namespace {

std::string tokens_of(const std::string& key) {
  std::string text;
  for (const Token& token : parse_key(key).tokens) text += token.role + "=" + token.value + " ";
  return text;
}

std::string drift(const std::string& run_time, const std::string& prewarmed) {
  const std::vector<TokenDifference> tokens = differences(parse_key(run_time), parse_key(prewarmed));
  std::string text = is_drift(tokens) ? "" : "no drift: ";
  for (const TokenDifference& token : tokens) text += say(token) + ". ";
  return text;
}

TEST(ParseKey, DecodesFloatBitsAndNamesRoles) {
  EXPECT_EQ(parse_key("batched_rmsnorm_fwd_1536_eps358637bd").name, "batched_rmsnorm_fwd");
  EXPECT_EQ(tokens_of("batched_rmsnorm_fwd_1536_eps358637bd"), "hidden size=1536 eps=1e-06 ");
  EXPECT_EQ(tokens_of("batched_rope_bwd_14_64_2048_th49742400"),
            "heads=14 head size=64 sequence length=2048 RoPE theta=1e+06 ");
  EXPECT_EQ(tokens_of("kd_loss_256_al3e99999a_t40800000"), "integer 1=256 alpha=0.3 temperature=4 ");
}

TEST(ParseKey, KeepsDigitsInsideWordsAsName) {
  EXPECT_EQ(tokens_of("warmness358637bd"), "warmness=1e-06 ") << "eight letters may name a float";
  EXPECT_EQ(tokens_of("warmingup358637bd"), "") << "nine are a word";
  EXPECT_EQ(parse_key("nf4_gemm_forward_1536_256").name, "nf4_gemm_forward");
  EXPECT_EQ(parse_key("batched_4d_gemm_1_12_2048_2048_128").name, "batched_4d_gemm");
  EXPECT_EQ(tokens_of("batched_4d_gemm_1_12_2048_2048_128"), "batch=1 heads=12 m=2048 n=2048 k=128 ");
}

TEST(ParseKey, TellsArchitecturesHashesPointersAndPaths) {
  const ParsedKey key = parse_key("matmul_sm_121a_0x7f3a9c0012f0_9f86d081884c7d65@/home/ci/a.cu:12");
  EXPECT_EQ(key.name, "matmul");
  std::vector<TokenKind> kinds;
  for (const Token& token : key.tokens) kinds.push_back(token.kind);
  EXPECT_THAT(kinds, testing::ElementsAre(TokenKind::architecture, TokenKind::pointer, TokenKind::hash, TokenKind::path,
                                          TokenKind::integer));
}

TEST(ParseKey, ReadsDecimalsAndAnything) {
  EXPECT_EQ(tokens_of("norm_eps1e-05_0.5"), "eps=1e-05 number=0.5 ");
  for (const char* odd : {"", "_", "////", "a/b", "-.-", "eps", "th49", "sm_", "0x", "\xFF\xFE"}) (void)parse_key(odd);
}

TEST(ParseKey, KnowsUuidsDigestsInBase32AndSizes) {
  EXPECT_EQ(tokens_of("k_550e8400-e29b-41d4-a716-446655440000"), "hash=550e8400-e29b-41d4-a716-446655440000 ");
  EXPECT_EQ(tokens_of("k_CDFPL7M2KZ2DQX3B4YWNAHT5RU"), "hash=CDFPL7M2KZ2DQX3B4YWNAHT5RU ");
  EXPECT_EQ(tokens_of("tile_128x64x32"), "integer 1=128 integer 2=64 integer 3=32 ");
  for (const char* odd : {"x", "1x", "x1", "1xx2", "0x", "128x64x"}) (void)parse_key(odd);
}

TEST(ParseKey, TakesShortHexNumbersForSizesAndWordsForWords) {
  EXPECT_EQ(tokens_of("k_0x7f3a9c00"), "integer 1=0x7f3a9c00 ");
  EXPECT_EQ(tokens_of("k_0x17f3a9c00"), "pointer=0x17f3a9c00 ");
  EXPECT_EQ(parse_key("effaceddeed_cab1e").name, "effaceddeed_cab1e");  // no digit; too short for a hash
  EXPECT_EQ(tokens_of("k_ab358637bd"), "hash=ab358637bd ") << "hex digits all through are no float of a name";
  EXPECT_EQ(parse_key("k_temperature358637bd").name, "k_temperature358637bd");
}

TEST(ParseKey, KeepsUnderscoresInPathsAndSuffixesInArchitectures) {
  EXPECT_EQ(tokens_of("k_/home/a_b/c.cu"), "path=/home/a_b/c.cu ");
  EXPECT_EQ(tokens_of("k_sm_120f"), "architecture=sm_120f ");
  EXPECT_EQ(parse_key("k_sm9").name, "k_sm9");
  EXPECT_EQ(parse_key("ABCDEFGHIJKLMNOPQRSTUVWXYZ").name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") << "no digit: no digest";
}

TEST(WithoutArchitecture, LeavesTheRestAsItIs) {
  EXPECT_EQ(without_architecture("gemm_sm_89_64"), "gemm_sm_*_64");
  EXPECT_EQ(without_architecture("gemm_sm90a/compute_121 x"), "gemm_sm_*/sm_* x");
  EXPECT_EQ(without_architecture("a-sm89.b"), "a-sm_*.b");
  EXPECT_EQ(without_architecture("smooth_64"), "smooth_64");
  EXPECT_EQ(without_architecture(""), "");
}

TEST(Differences, NameTokenRoleAndBothValues) {
  EXPECT_EQ(drift("rmsnorm_8_eps358637bd", "rmsnorm_8_eps3727c5ac"), "eps 1e-06 at run time, 1e-05 pre-warmed. ");
  EXPECT_EQ(drift("rope_14_64_1_th49742400", "rope_14_64_2048_th49742400"),
            "sequence length 1 at run time, 2048 pre-warmed. ");
}

TEST(Differences, AlignAroundAnAbsentToken) {
  EXPECT_EQ(drift("rmsnorm_8_eps358637bd", "rmsnorm_8"), "eps 1e-06 at run time, absent from the pre-warmed key. ");
  EXPECT_EQ(drift("gemm_2_3", "gemm_1_2_3"), "m 1 in the pre-warmed key, absent at run time. ");
}

TEST(Differences, InHashOrArchitectureAreNoDrift) {
  EXPECT_THAT(drift("mm_sm_89_8", "mm_sm_121_8"), testing::StartsWith("no drift"));
  EXPECT_THAT(drift("mm_9f86d081884c7d65", "mm_60303ae22b998861"), testing::StartsWith("no drift"));
}

TEST(Differences, OfFloatsAreOneWhereTheNameIsOneHoweverTheyAreWritten) {
  EXPECT_EQ(drift("norm_eps358637bd", "norm_eps1e-05"), "eps 1e-06 at run time, 1e-05 pre-warmed. ");
  EXPECT_EQ(differences(parse_key("norm_eps358637bd"), parse_key("norm_th358637bd")).size(), 2U);
}

TEST(Differences, InATokenThatOneKeyLacksAreDriftWhateverItIs) {
  EXPECT_THAT(drift("mm_sm_89_8", "mm_8"), testing::Not(testing::StartsWith("no drift")));
}

}  // namespace
}  // namespace smgate::contract
