#include "runner/exec/checkout.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "common/file.hpp"
#include "tests/support/git_repository.hpp"

namespace smgate::exec {
namespace {

namespace fs = std::filesystem;

class CheckoutTest : public testing::Test {
 protected:
  CheckoutSpec spec(const CommitSha& commit) {
    fs::create_directories(scratch / "home");
    return {repository.url(), commit, "", scratch / "mirrors", scratch / "work", scratch / "home", git, -1};
  }
  Result<void> check_out(const CheckoutSpec& wanted) { return exec::check_out(wanted, cancellation); }
  std::string text(const std::string& file) { return read_file(scratch / "work" / file, 1000).value(); }
  fs::path mirror() {
    for (const auto& entry : fs::directory_iterator(scratch / "mirrors"))
      if (entry.is_directory()) return entry.path();
    return {};
  }
  // As a server does that serves no commit by its name.
  void refuse_commits() {
    git.env = {{"GIT_CONFIG_COUNT", "1"}, {"GIT_CONFIG_KEY_0", "protocol.version"}, {"GIT_CONFIG_VALUE_0", "0"}};
  }

  test::Scratch scratch;
  test::GitRepository repository{scratch / "repository"};
  GitSettings git;
  Cancellation cancellation;
};

TEST_F(CheckoutTest, BringsExactlyTheCommit) {
  const CommitSha first = repository.commit({{"a.txt", "one"}});
  repository.commit({{"a.txt", "two"}});
  ASSERT_TRUE(check_out(spec(first)));
  EXPECT_EQ(text("a.txt"), "one");
}

TEST_F(CheckoutTest, FetchesNothingTwice) {
  const CommitSha commit = repository.commit({{"a.txt", "one"}});
  ASSERT_TRUE(check_out(spec(commit)));
  fs::rename(scratch / "repository", scratch / "elsewhere");
  EXPECT_TRUE(check_out(spec(commit))) << "a fresh work tree out of the mirror";
}

TEST_F(CheckoutTest, KeepsWhatAJobDoesToItsRepositoryFromTheNext) {
  const CommitSha commit = repository.commit({{"a.txt", "one"}});
  ASSERT_TRUE(check_out(spec(commit)));
  fs::create_directories(scratch / "work" / ".git" / "hooks");
  std::ofstream(scratch / "work" / ".git" / "hooks" / "post-checkout") << "#!/bin/sh\necho hooked > ../hooked\n";
  std::ofstream(scratch / "work" / "left.txt") << "over";
  ASSERT_TRUE(check_out(spec(commit)));
  EXPECT_FALSE(fs::exists(scratch / "work" / "left.txt"));
  EXPECT_FALSE(fs::exists(scratch / "work" / ".git" / "hooks" / "post-checkout"));
}

TEST_F(CheckoutTest, FallsBackToTheRefWhereTheServerServesNoCommitByName) {
  const CommitSha old = repository.commit({{"a.txt", "one"}});
  repository.commit({{"a.txt", "two"}});
  refuse_commits();
  CheckoutSpec wanted = spec(old);
  ASSERT_FALSE(check_out(wanted));
  wanted.ref = "refs/heads/main";
  const auto done = check_out(wanted);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(text("a.txt"), "one");
}

TEST_F(CheckoutTest, SaysThatACommitIsGone) {
  repository.commit({{"a.txt", "one"}});
  refuse_commits();
  CheckoutSpec wanted = spec({std::string(40, 'b')});
  wanted.ref = "refs/heads/main";
  EXPECT_NE(check_out(wanted).error().what.find("is not in refs/heads/main any more"), std::string::npos);
}

TEST_F(CheckoutTest, MakesADamagedMirrorAnew) {
  const CommitSha first = repository.commit({{"a.txt", "one"}});
  ASSERT_TRUE(check_out(spec(first)));
  for (const auto& entry : fs::recursive_directory_iterator(mirror() / "objects"))
    if (entry.is_regular_file()) {
      fs::permissions(entry.path(), fs::perms::owner_write, fs::perm_options::add);
      std::ofstream(entry.path(), std::ios::trunc) << "damage";
    }
  const auto done = check_out(spec(first));
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(text("a.txt"), "one");
}

TEST_F(CheckoutTest, TakesNoAddressThatIsACommandOrAnOption) {
  const CommitSha commit = repository.commit({{"a.txt", "one"}});
  for (const std::string address : {"ext::sh -c true", "--upload-pack=true", "http://example.com/a.git", "", "a\nb"}) {
    CheckoutSpec wanted = spec(commit);
    wanted.clone_url = address;
    EXPECT_FALSE(check_out(wanted)) << address;
  }
  git.protocols = {"https"};
  EXPECT_NE(check_out(spec(commit)).error().text().find("it takes https"), std::string::npos);
}

TEST_F(CheckoutTest, StopsWhenCancelled) {
  const CommitSha commit = repository.commit({{"a.txt", "one"}});
  cancellation.request(StopReason::cancelled, "superseded");
  EXPECT_FALSE(check_out(spec(commit)));
}

}  // namespace
}  // namespace smgate::exec
