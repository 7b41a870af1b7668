// The shipped server and the shipped runner, between a GitHub that hands out tokens and a git host that asks for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/digest.hpp"
#include "common/file.hpp"
#include "server/store/crash_points.hpp"
#include "tests/support/fake_github.hpp"
#include "tests/support/git_server.hpp"
#include "tests/support/runner_process.hpp"
#include "tests/support/server_process.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSecret = "a secret that only GitHub and the server know";
constexpr const char* kPrivate = "acme/kernels";
constexpr const char* kPublic = "acme/open";

std::string gate() {
  const char* command = "cp run.jsonl \"$SMGATE_EVENTS/1.jsonl\"; env; cat .git/config /proc/$PPID/environ";
  return json{{"version", 1},
              {"architectures", {"sm_89"}},
              {"stages", {{{"name", "smoke"}, {"command", command}, {"contract", "both"}, {"timeout_s", 60}}}}}
      .dump();
}

// The checkpoint that the events of the healthy case tell of: 4096 bytes, three tensors of ones.
std::string checkpoint() {
  constexpr std::size_t kTensorBytes = 256, kHeaderBytes = 4096 - 8 - 3 * kTensorBytes;
  json header;
  for (std::size_t i = 0; i < 3; ++i)
    header["t" + std::to_string(i)] = {{"dtype", "F32"},
                                       {"shape", {kTensorBytes / sizeof(float)}},
                                       {"data_offsets", {i * kTensorBytes, (i + 1) * kTensorBytes}}};
  std::string text = header.dump();
  text.resize(kHeaderBytes, ' ');
  std::string file;
  for (std::size_t i = 0; i < 8; ++i) file += static_cast<char>(kHeaderBytes >> (8 * i) & 0xffU);
  file += text;
  for (std::size_t i = 0; i < 3 * kTensorBytes / sizeof(float); ++i) file += std::string("\0\0\x80\x3f", 4);
  return file;
}

class PrivateRun : public testing::Test {
 protected:
  PrivateRun() {
    host_.add(repository_, kPrivate);
    github_.tell_git_host(host_.tokens());
    commit_ = commit_gate(repository_, kPrivate);
  }
  ~PrivateRun() override { EXPECT_EQ(github_.mistakes(), std::vector<std::string>{}); }

  static CommitSha commit_gate(GitRepository& repository, const std::string& name) {
    const std::string events = std::string(SMGATE_SOURCE_DIR) + "/tests/contract/cases/healthy.jsonl";
    return repository.commit({{".smgate.json", gate()},
                              {"run.jsonl", read_file(events, 1U << 20U).value()},
                              {"out.safetensors", checkpoint()},
                              {"README", name}});
  }
  json server_config() const {
    std::ofstream(scratch_ / "app.pem") << github_.private_key();
    return {{"data_folder", (scratch_ / "server").string()},
            {"webhook_secret", kSecret},
            {"emulated_satisfies_required", true},
            {"repositories", {{{"name", kPrivate}}, {{"name", kPublic}, {"clone_url", (scratch_ / "open").string()}}}},
            {"github",
             {{"api_url", github_.url()},
              {"git_url", host_.origin()},
              {"ca_file", host_.certificate().string()},
              {"client_id", "Iv1.fake"},
              {"private_key_file", (scratch_ / "app.pem").string()}}},
            {"log_level", "trace"}};
  }
  void start_runner() {
    const json config{{"server", "ws://127.0.0.1:" + std::to_string(server_.port())},
                      {"name", "r1"},
                      {"arch", "sm_89"},
                      {"token", token_},
                      {"data_folder", (scratch_ / "runner/data").string()},
                      {"device", {{"name", "CPU"}, {"memory_bytes", 1}, {"emulated", true}}},
                      {"sandbox", {{"enabled", false}}},  // so that a stage could find whatever lies about
                      {"git", {{"env", {{"GIT_SSL_CAINFO", host_.certificate().string()}}}}},
                      {"limits", {{"reconnect_max_ms", 200}, {"free_disk_mib", 0}}},
                      {"log_level", "trace"}};
    runner_.emplace(scratch_ / "runner", config);
  }
  void push(const std::string& name, const CommitSha& commit, bool is_private) {
    const std::string body = json{{"ref", "refs/heads/main"},
                                  {"before", std::string(40, '0')},
                                  {"after", commit.value},
                                  {"deleted", false},
                                  {"installation", {{"id", FakeGitHub::kInstallation}}},
                                  {"repository",
                                   {{"full_name", name},
                                    {"clone_url", host_.url_of(name)},
                                    {"private", is_private},
                                    {"default_branch", "main"},
                                    {"pushed_at", clock_.now_ms() / 1000}}}}
                                 .dump();
    const Headers headers{{"Content-Type", "application/json"},
                          {"X-GitHub-Event", "push"},
                          {"X-GitHub-Delivery", "d-" + name},
                          {"X-Hub-Signature-256", "sha256=" + hmac_sha256_hex(kSecret, body)}};
    EXPECT_EQ(http_request(server_.port(), "POST", "/webhooks/github", headers, body).status, 202U);
  }
  json get(const std::string& target) const { return json::parse(http_get(server_.port(), target).body); }
  // Asks again until it holds; false where it does not within a minute.
  bool becomes(const std::string& target, const std::function<bool(const json&)>& condition) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition(get(target)))
      if (std::chrono::steady_clock::now() > deadline) return false;
    return true;
  }
  bool run_waits_for(const std::string& what) const {
    return becomes("/api/v1/runs", [&what](const json& runs) {
      return runs["runs"].size() == 1 && runs["runs"][0]["reason"].get<std::string>().find(what) != std::string::npos;
    });
  }
  bool concludes(const CommitSha& commit, const std::string& conclusion) {
    return github_.wait_for([&](const FakeGitHub::State& it) {
      return std::any_of(it.check_runs.begin(), it.check_runs.end(), [&](const json& run) {
        return run["head_sha"] == commit.value && run["name"] == "smgate" && run["status"] == "completed" &&
               run["conclusion"] == conclusion;
      });
    });
  }
  std::string log_of(const CommitSha& commit) const {
    const json runs = get("/api/v1/runs?commit=" + commit.value)["runs"];
    const json run = get("/api/v1/runs/" + runs[0]["id"].get<std::string>());
    return http_get(server_.port(), "/api/v1/jobs/" + run["jobs"][0]["id"].get<std::string>() + "/log").body;
  }
  // Of whatever was written but by the git host itself.
  std::vector<std::string> files_with_a_token() const {
    std::vector<std::string> files;
    for (auto it = std::filesystem::recursive_directory_iterator(scratch_.path()); it != end(it); ++it) {
      if (it->path() == scratch_ / "host") it.disable_recursion_pending();
      if (!it->is_regular_file()) continue;
      if (read_file(it->path(), 64U << 20U).value().find("ghs_") != std::string::npos) files.push_back(it->path());
    }
    return files;
  }
  std::set<std::string> seen(const char* what) const {
    std::set<std::string> names;
    for (const json& request : host_.seen())
      for (const json& name : request[what]) names.insert(name);
    return names;
  }

  Scratch scratch_;
  SystemClock clock_;
  FakeGitHub github_{clock_, FakeTls::of_loopback};
  GitRepository repository_{scratch_ / "repository"};
  GitServer host_{scratch_ / "host", github_.certificate(), github_.private_key()};
  ServerProcess server_{scratch_, server_config()};
  std::string token_ = server_.make_token("r1", "sm_89");
  CommitSha commit_;
  std::optional<RunnerProcess> runner_;
};

TEST_F(PrivateRun, PassesAndNothingThatWasWrittenHoldsAToken) {
  server_.start();
  start_runner();
  push(kPrivate, commit_, true);
  EXPECT_TRUE(concludes(commit_, "success"));
  const std::string log = log_of(commit_);
  EXPECT_THAT(log, HasSubstr("SMGATE_EVENTS="));
  EXPECT_THAT(log, Not(HasSubstr("ghs_")));
  EXPECT_EQ(server_.stop(), 0);
  EXPECT_EQ(runner_->stop(), 0);
  EXPECT_EQ(files_with_a_token(), std::vector<std::string>{});
  EXPECT_EQ(seen("arguments"), std::set<std::string>{});
  EXPECT_EQ(seen("environment"), (std::set<std::string>{"git", "git-remote-http"}));
}

// Tokens are in memory alone: whoever comes after asks for another.
TEST_F(PrivateRun, PassesWhereTheServerDiesWithItsToken) {
  server_.start(std::string(store::kTokenNoted));
  push(kPrivate, commit_, true);
  EXPECT_EQ(server_.wait(), 128 + SIGKILL);
  server_.start();
  start_runner();
  EXPECT_TRUE(concludes(commit_, "success"));
  EXPECT_EQ(files_with_a_token(), std::vector<std::string>{});
}

TEST_F(PrivateRun, SaysWhatItWaitsForWhereTheServerDiesWithTheRefusal) {
  github_.refuse_git_tokens(404);
  server_.start(std::string(store::kRefusalNoted));
  push(kPrivate, commit_, true);
  EXPECT_EQ(server_.wait(), 128 + SIGKILL);
  server_.start();
  EXPECT_TRUE(run_waits_for("install the GitHub App"));
  github_.refuse_git_tokens(0);
  start_runner();
  EXPECT_TRUE(concludes(commit_, "success"));
}

TEST(CrashPoints, OfTheKeyringAreAllHere) {
  const std::set<std::string_view> here{store::kTokenNoted, store::kRefusalNoted};
  std::set<std::string_view> named;
  for (const std::string_view point : store::kCrashPoints)
    if (point.starts_with("keyring.")) named.insert(point);
  EXPECT_EQ(named, here);
}

TEST_F(PrivateRun, WaitsInTheQueueForATokenAndHoldsUpNobody) {
  GitRepository open(scratch_ / "open");
  const CommitSha commit_of_open = commit_gate(open, kPublic);
  server_.start();
  push(kPrivate, commit_, true);
  EXPECT_TRUE(becomes("/api/v1/queue", [](const json& queue) { return queue["jobs"].size() == 1; }));
  host_.refuse_tokens();
  github_.refuse_git_tokens(503);
  start_runner();
  push(kPublic, commit_of_open, false);
  EXPECT_TRUE(concludes(commit_of_open, "success"));
  EXPECT_TRUE(becomes("/api/v1/queue", [](const json& queue) {
    return queue["jobs"].size() == 1 && queue["jobs"][0]["reason"]["kind"] == "access";
  }));
  EXPECT_THAT(get("/api/v1/queue").dump(), HasSubstr("GitHub gave no token to read the repository with: 503"));
  github_.refuse_git_tokens(0);
  EXPECT_TRUE(concludes(commit_, "success"));
  EXPECT_EQ(get("/api/v1/queue")["jobs"].size(), 0U);
}

TEST_F(PrivateRun, WaitsForItsGateFileUntilTheAppIsInstalled) {
  github_.refuse_git_tokens(404);
  server_.start();
  start_runner();
  push(kPrivate, commit_, true);
  EXPECT_TRUE(run_waits_for("install the GitHub App"));
  github_.refuse_git_tokens(0);
  EXPECT_TRUE(concludes(commit_, "success"));
}

}  // namespace
}  // namespace smgate::test
