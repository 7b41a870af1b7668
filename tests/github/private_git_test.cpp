// git itself, of the coordinator and of the runner, against a private repository on an HTTPS host that asks who comes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/file.hpp"
#include "common/git.hpp"
#include "runner/exec/checkout.hpp"
#include "tests/support/fake_github.hpp"
#include "tests/support/git_server.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsSubsetOf;

constexpr const char* kName = "acme/kernels";
constexpr const char* kToken = "ghs_a_token_of_this_test_alone";

class PrivateGit : public testing::Test {
 protected:
  PrivateGit() { host_.add(repository_, kName); }

  // As the coordinator does; an empty token: none.
  Result<void> fetch(const std::string& token) {
    GitAccess access{std::nullopt, "the App is not installed", host_.certificate()};
    if (!token.empty()) access.credential = GitCredential{"x-access-token", Secret(token)};
    return GitMirror::open(scratch_ / "mirror.git", host_.url_of(kName), {}, access)
        .value()
        .fetch(commit_, "refs/heads/main", 0);
  }
  // As the runner does.
  Result<void> check_out(const std::string& token) {
    exec::CheckoutSpec spec{host_.url_of(kName),
                            commit_,
                            "refs/heads/main",
                            scratch_ / "mirrors",
                            scratch_ / "tree",
                            scratch_ / "home",
                            {},
                            -1};
    spec.git.env["GIT_SSL_CAINFO"] = host_.certificate();
    if (!token.empty()) spec.credential = GitCredential{"x-access-token", Secret(token)};
    return exec::check_out(spec, exec::Cancellation());
  }
  std::set<std::string> seen(const char* what) const {
    std::set<std::string> names;
    for (const nlohmann::json& request : host_.seen())
      for (const nlohmann::json& name : request[what]) names.insert(name);
    return names;
  }
  // Files below the scratch folder, the host's own left out, that hold the token.
  std::vector<std::string> files_with_the_token() const {
    std::vector<std::string> files;
    for (auto it = std::filesystem::recursive_directory_iterator(scratch_.path()); it != end(it); ++it) {
      if (it->path() == scratch_ / "host") it.disable_recursion_pending();
      if (!it->is_regular_file()) continue;
      if (read_file(it->path(), 64U << 20U).value().find(kToken) != std::string::npos) files.push_back(it->path());
    }
    return files;
  }

  Scratch scratch_;
  SystemClock clock_;
  FakeGitHub github_{clock_, FakeTls::of_loopback};
  GitRepository repository_{scratch_ / "repository"};
  CommitSha commit_ = repository_.commit({{"train.cpp", "int main() {}"}});
  GitServer host_{scratch_ / "host", github_.certificate(), github_.private_key()};
};

TEST_F(PrivateGit, IsReadByTheCoordinatorWithTheTokenAlone) {
  const Result<void> anonymous = fetch("");
  ASSERT_FALSE(anonymous);
  EXPECT_THAT(anonymous.error().text(), AllOf(HasSubstr("the App is not installed"), HasSubstr("deploy/github-app")));
  host_.allow(kToken, "kernels");
  const Result<void> fetched = fetch(kToken);
  EXPECT_TRUE(fetched) << fetched.error().text();
}

TEST_F(PrivateGit, IsCheckedOutByTheRunnerWithTheTokenAlone) {
  const Result<void> anonymous = check_out("");
  ASSERT_FALSE(anonymous);
  EXPECT_THAT(anonymous.error().text(), HasSubstr("brought no token"));
  host_.allow(kToken, "kernels");
  const Result<void> checked_out = check_out(kToken);
  ASSERT_TRUE(checked_out) << checked_out.error().text();
  EXPECT_EQ(read_file(scratch_ / "tree/train.cpp", 100).value(), "int main() {}");
}

TEST_F(PrivateGit, SaysThatATokenWasRefused) {
  host_.allow(kToken, "another");  // of another repository: 404, as GitHub answers
  for (const char* token : {kToken, "ghs_expired"})
    for (const Result<void>& refused : {fetch(token), check_out(token)}) {
      ASSERT_FALSE(refused);
      EXPECT_THAT(refused.error().text(), AllOf(HasSubstr("refuses the token"), HasSubstr(host_.url_of(kName))));
    }
}

TEST_F(PrivateGit, HasItsTokenInTheEnvironmentOfGitAloneAndInNoFile) {
  host_.allow(kToken, "kernels");
  EXPECT_TRUE(fetch(kToken));
  EXPECT_TRUE(check_out(kToken));
  EXPECT_TRUE(seen("callers").contains("git")) << "the host looks at those who ask it";
  EXPECT_EQ(seen("arguments"), std::set<std::string>{});
  EXPECT_TRUE(seen("environment").contains("git"));
  EXPECT_THAT(seen("environment"), IsSubsetOf({"git", "git-remote-http"}));
  EXPECT_EQ(files_with_the_token(), std::vector<std::string>{});
}

TEST_F(PrivateGit, LeavesItsTokenAtHomeWhenItIsSentToAnotherHost) {
  GitServer other(scratch_ / "host/other", github_.certificate(), github_.private_key());
  other.add(repository_, kName);
  other.allow(kToken, "kernels");
  host_.allow(kToken, "kernels");
  host_.redirect_to(other.origin());
  EXPECT_FALSE(fetch(kToken));
  EXPECT_FALSE(check_out(kToken));
  EXPECT_FALSE(other.seen().empty()) << "git follows";
  for (const nlohmann::json& request : other.seen()) EXPECT_EQ(request["authorization"], "");
}

}  // namespace
}  // namespace smgate::test
