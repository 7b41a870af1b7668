#include "server/dashboard/kept_texts.hpp"

#include <gtest/gtest.h>

namespace smgate::dashboard {
namespace {

std::shared_ptr<const KeptText> text_of(std::size_t bytes) {
  return std::make_shared<KeptText>(KeptText{std::string(bytes, 'x'), ""});
}

TEST(KeptTexts, ForgetTheOneThatWasLongestUnused) {
  KeptTexts kept(100);
  kept.keep("a", text_of(40));
  kept.keep("b", text_of(40));
  EXPECT_NE(kept.find("a"), nullptr);
  kept.keep("c", text_of(40));
  EXPECT_NE(kept.find("a"), nullptr);
  EXPECT_EQ(kept.find("b"), nullptr);
  EXPECT_NE(kept.find("c"), nullptr);
}

TEST(KeptTexts, KeepNoneThatIsLargerThanAllMayBe) {
  KeptTexts kept(100);
  kept.keep("a", text_of(101));
  EXPECT_EQ(kept.find("a"), nullptr);
  kept.keep("b", text_of(100));
  EXPECT_NE(kept.find("b"), nullptr);
}

TEST(KeptTexts, CountTheSameNameOnce) {
  KeptTexts kept(100);
  kept.keep("a", text_of(60));
  kept.keep("a", text_of(60));
  EXPECT_NE(kept.find("a"), nullptr);
}

}  // namespace
}  // namespace smgate::dashboard
