// The command line against a real server.
#include <gmock/gmock.h>

#include "common/subprocess.hpp"
#include "tests/http/judged_job.hpp"

namespace smgate::test {
namespace {

using testing::HasSubstr;

class Ask : public JudgedTest {
 protected:
  Output ask(std::vector<std::string> arguments, const std::string& token = "") {
    Command command;
    command.argv = {SMGATE_BIN_DIR "/smgate-runner"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.env = {{"SMGATE_SERVER", "http://127.0.0.1:" + std::to_string(port())}};
    if (!token.empty()) command.env["SMGATE_TOKEN"] = token;
    return run_command(command).value();
  }
};

TEST_F(Ask, ExplainsTheLastFailure) {
  const std::string run = judged_run("collided", "d-1");
  const Output said = ask({"explain"});
  EXPECT_EQ(said.exit_code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("run " + run));
  EXPECT_THAT(said.out, HasSubstr("guilty key: silu_forward"));
  EXPECT_THAT(said.out, HasSubstr("cause: prewarm_key_collision"));
  EXPECT_THAT(said.out, HasSubstr("to do: give every pre-warmed body its own key"));
  EXPECT_EQ(nlohmann::json::parse(ask({"explain", run, "--json"}).out)["id"], run);
}

TEST_F(Ask, ShowsBranchesRunnersAndRuns) {
  const std::string run = judged_run("collided", "d-1");
  const std::string status = ask({"status"}).out;
  EXPECT_THAT(status, HasSubstr("acme/kernels main  sm_89  fail"));
  EXPECT_THAT(status, HasSubstr("r1      sm_89  online  0/1"));
  EXPECT_THAT(ask({"runs", "--verdict", "fail"}).out, HasSubstr(run));
  EXPECT_EQ(ask({"runs", "--branch", "other", "--json"}).exit_code, 0);
}

TEST_F(Ask, FollowsALogToItsEnd) {
  const std::string run = judged_run("healthy", "d-1");
  EXPECT_EQ(ask({"logs", "-f", run}).out, "it ran\n");
  EXPECT_EQ(ask({"logs", job_of(run), "--stage", "smoke"}).out, "it ran\n");
  EXPECT_EQ(ask({"logs", run, "--stage", "never"}).exit_code, 1);
}

TEST_F(Ask, RunsAgainAndCancelsByAToken) {
  const std::string run = judged_run("healthy", "d-1");
  const std::string token = make_api_token("me", {"rerun", "cancel"});
  const Output refused = ask({"rerun", run});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("token"));
  EXPECT_EQ(ask({"rerun", run}, token).exit_code, 0);
  EXPECT_EQ(ask({"cancel", run}, token).exit_code, 0);
}

TEST_F(Ask, SaysWhenThereIsNoServer) {
  stop();
  const Output said = ask({"status"});
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, HasSubstr("connect"));
}

}  // namespace
}  // namespace smgate::test
