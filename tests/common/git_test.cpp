#include "common/git.hpp"

#include <gtest/gtest.h>

#include "tests/support/git_repository.hpp"

namespace smgate {
namespace {

class GitMirrorTest : public testing::Test {
 protected:
  GitMirror mirror() { return GitMirror::open(scratch_ / "mirror.git", origin_.url()).value(); }

  test::Scratch scratch_;
  test::GitRepository origin_{scratch_ / "origin"};
};

TEST_F(GitMirrorTest, FetchesExactlyACommitAndReadsAFile) {
  const CommitSha first = origin_.commit({{"a.txt", "one"}});
  origin_.commit({{"a.txt", "two"}});
  GitMirror mirror_of_origin = mirror();
  ASSERT_TRUE(mirror_of_origin.fetch(first, "", 0).has_value());
  EXPECT_EQ(mirror_of_origin.read(first, "a.txt", 100).value(), "one");
  EXPECT_EQ(mirror_of_origin.read(first, "b.txt", 100).value(), std::nullopt);
  EXPECT_FALSE(mirror_of_origin.read(first, "a.txt", 2).has_value());
}

TEST_F(GitMirrorTest, FetchesOneCommitDeepWhenAsked) {
  origin_.commit({{"a.txt", "one"}});
  const CommitSha second = origin_.commit({{"a.txt", "two"}});
  GitMirror mirror_of_origin = mirror();
  ASSERT_TRUE(mirror_of_origin.fetch(second, "", 1).has_value());
  EXPECT_EQ(GitMirror::run({"rev-list", "--count", second.value}, mirror_of_origin.folder(), std::chrono::seconds(10))
                .value(),
            "1\n");
}

TEST_F(GitMirrorTest, FindsTheMergeBase) {
  const CommitSha base = origin_.commit({{"a.txt", "one"}});
  origin_.branch("feature");
  const CommitSha feature = origin_.commit({{"b.txt", "feature"}});
  origin_.checkout("main");
  const CommitSha main = origin_.commit({{"c.txt", "main"}});
  GitMirror mirror_of_origin = mirror();
  ASSERT_TRUE(mirror_of_origin.fetch(feature, "", 0).has_value());
  EXPECT_EQ(mirror_of_origin.fetch_branch("main").value(), main);
  EXPECT_EQ(mirror_of_origin.merge_base(main, feature).value(), base);
}

TEST_F(GitMirrorTest, SaysThatACommitIsNotThere) {
  origin_.commit({{"a.txt", "one"}});
  GitMirror mirror_of_origin = mirror();
  const auto fetched = mirror_of_origin.fetch(CommitSha{std::string(40, '1')}, "refs/heads/main", 0);
  ASSERT_FALSE(fetched.has_value());
  EXPECT_NE(fetched.error().text().find("is not in refs/heads/main any more"), std::string::npos);
}

TEST_F(GitMirrorTest, DoesNotFollowALink) {
  std::filesystem::create_symlink("/etc/passwd", origin_.folder() / "link");
  const CommitSha commit = origin_.commit({{"a.txt", "one"}});
  GitMirror mirror_of_origin = mirror();
  ASSERT_TRUE(mirror_of_origin.fetch(commit, "", 0).has_value());
  EXPECT_FALSE(mirror_of_origin.read(commit, "link", 100).has_value());
}

TEST(CloneUrl, RefusesCommandsAndOptions) {
  for (const char* good :
       {"https://github.com/a/b.git", "/srv/git/a", "file:///srv/a", "git@github.com:a/b.git", "ssh://h/a"})
    EXPECT_TRUE(is_safe_clone_url(good)) << good;
  for (const char* bad :
       {"", "ext::sh -c x", "ext::x", "--upload-pack=x", "http://h/a", "a@b::c", "https://h/a b", "-u@h:x"})
    EXPECT_FALSE(is_safe_clone_url(bad)) << bad;
}

TEST(SafeRef, RefusesWhatGitWouldReadAsSomethingElse) {
  for (const char* good : {"main", "refs/pull/7/head", "feature/a-b"}) EXPECT_TRUE(is_safe_ref(good)) << good;
  for (const char* bad : {"", "-x", "a..b", "a b", "a:b", "a~1", "x@{1}", "/a", "a/", "a.lock"})
    EXPECT_FALSE(is_safe_ref(bad)) << bad;
}

TEST(CloneUrl, IsToldWithoutItsCredentials) {
  EXPECT_EQ(without_credentials("https://user:secret@example.com/a@b.git"), "https://example.com/a@b.git");
  EXPECT_EQ(without_credentials("git@example.com:a/b.git"), "git@example.com:a/b.git");
}

}  // namespace
}  // namespace smgate
