#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "common/file.hpp"
#include "tests/github/all_requests.hpp"
#include "tests/support/github_api.hpp"

namespace smgate::test {
namespace {

TEST(Requests, AreAllValidByGitHubsOwnDescription) {
  GithubApi api;
  for (const github::Request& request : all_requests())
    EXPECT_EQ(api.mistakes(request.method, request.path, request.body), "") << request.body.substr(0, 400);
  EXPECT_EQ(api.used(), api.all());
}

// GitHub describes the permissions of Apps; of manifests it has no schema.
TEST(Manifest, AsksForWhatThereIsAndListensToWhatTheTableNames) {
  GithubApi api;
  const auto manifest =
      nlohmann::json::parse(read_file(SMGATE_SOURCE_DIR "/deploy/github-app/manifest.json", 1U << 16U).value());
  EXPECT_EQ(api.permission_mistakes(manifest["default_permissions"]), "");
  const std::set<std::string> listens = manifest["default_events"];
  std::set<std::string> named;
  std::ifstream readme(SMGATE_SOURCE_DIR "/README.md");
  std::string line;
  while (std::getline(readme, line) && !line.starts_with("| event | action |")) continue;
  while (std::getline(readme, line) && line.starts_with("|"))
    if (line.starts_with("| `")) named.insert(line.substr(3, line.find('`', 3) - 3));
  for (const char* always : {"installation", "installation_repositories", "ping"}) named.erase(always);  // unasked
  EXPECT_EQ(listens, named);
}

TEST(GitHubsDescription, KnowsNoOtherPermission) {
  GithubApi api;
  EXPECT_NE(api.permission_mistakes({{"checks", "wrote"}}), "");
  EXPECT_NE(api.permission_mistakes({{"cheques", "write"}}), "");
}

TEST(GitHubsDescription, RefusesWhatGitHubRefuses) {
  GithubApi api;
  const std::string runs = "/repos/acme/kernels/check-runs";
  EXPECT_NE(api.mistakes("POST", runs, R"({"head_sha": "a", "status": "queued"})"), "");
  EXPECT_NE(api.mistakes("POST", runs, R"({"name": "n", "head_sha": "a", "conclusion": "passed"})"), "");
  EXPECT_NE(api.mistakes("POST", runs, ""), "");
  EXPECT_NE(api.mistakes("DELETE", runs, ""), "");
  EXPECT_NE(api.mistakes("GET", "/repos/acme/kernels/pulls?state=ajar", ""), "");
  EXPECT_NE(api.mistakes("GET", "/repos/acme/kernels/pulls?colour=red", ""), "");
  nlohmann::json many = fifty_annotations();
  many["output"]["annotations"].push_back(many["output"]["annotations"][0]);
  EXPECT_NE(api.mistakes("PATCH", runs + "/4", many.dump()), "");
  nlohmann::json large = full_check("queued", "");
  large["output"]["summary"] = std::string(65'536, 's');
  EXPECT_NE(api.mistakes("POST", runs, large.dump()), "");
}

}  // namespace
}  // namespace smgate::test
