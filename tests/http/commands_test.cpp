// smgate-server's command line, as an operator uses it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file.hpp"
#include "common/subprocess.hpp"
#include "server/store/api_tokens.hpp"
#include "server/store/crash_points.hpp"
#include "server/store/inline_store.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class Commands : public testing::Test {
 protected:
  Commands() {
    write_file_durably(scratch_ / "server.jsonc", R"({
      // a comment
      "data_folder": "data", "webhook_secret": "0123456789abcdef", "repositories": [{"name": "acme/kernels"}]})");
  }
  Output smgate_server(std::vector<std::string> arguments, bool with_config = true) {
    Command command;
    command.argv = {SMGATE_BIN_DIR "/smgate-server"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    if (with_config) command.argv.insert(command.argv.end(), {"--config", (scratch_ / "server.jsonc").string()});
    return run_command(command).value();
  }
  Scratch scratch_;
};

TEST_F(Commands, SaysItsVersion) {
  const Output output = smgate_server({"--version"}, false);
  EXPECT_EQ(output.exit_code, 0);
  EXPECT_THAT(output.out, MatchesRegex("smgate-server [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(Commands, ListsItsCrashPoints) {
  const std::string listed = smgate_server({"crash-points"}, false).out;
  for (const std::string_view name : store::kCrashPoints) EXPECT_THAT(listed, HasSubstr(std::string(name) + "\n"));
}

TEST_F(Commands, MakesListsAndRevokesTokens) {
  const Output created = smgate_server({"token", "create", "--runner", "r1", "--arch", "sm_89"});
  EXPECT_EQ(created.exit_code, 0) << created.err;
  EXPECT_THAT(created.out, MatchesRegex("[A-Za-z0-9_]+\n"));
  const std::string listed = smgate_server({"token", "list"}).out;
  EXPECT_THAT(listed, HasSubstr("r1\tsm_89\tvalid"));
  EXPECT_THAT(listed, Not(HasSubstr(created.out.substr(0, created.out.size() - 1))));
  EXPECT_EQ(smgate_server({"token", "revoke", "--runner", "r1"}).exit_code, 0);
  EXPECT_THAT(smgate_server({"token", "list"}).out, HasSubstr("r1\tsm_89\trevoked"));
}

TEST_F(Commands, MakeTokensOfTheApiWithTheirScopes) {
  const Output created = smgate_server({"token", "create", "--api", "ci", "--scope", "read,rerun"});
  EXPECT_EQ(created.exit_code, 0) << created.err;
  EXPECT_THAT(created.out, MatchesRegex("[A-Za-z0-9_]+\n"));
  EXPECT_THAT(created.err, HasSubstr("shown once"));
  EXPECT_THAT(smgate_server({"token", "list"}).out, HasSubstr("ci\tapi:read,rerun\tvalid"));
  const auto scopes_of = [&](const std::string& token) {
    store::InlineStore store(scratch_ / "data/smgate.db");
    const auto found = store.read([&](store::ReadTx& tx) { return store::find_api_token(tx, token); });
    return found ? found->scopes : std::set<std::string>{};
  };
  const std::string token = created.out.substr(0, created.out.size() - 1);
  EXPECT_EQ(scopes_of(token), (std::set<std::string>{"read", "rerun"}));
  EXPECT_EQ(smgate_server({"token", "revoke", "--api", "ci"}).exit_code, 0);
  EXPECT_TRUE(scopes_of(token).empty());
  EXPECT_EQ(smgate_server({"token", "create", "--api", "ci", "--scope", "everything"}).exit_code, 2);
  EXPECT_EQ(smgate_server({"token", "create", "--api", "ci"}).exit_code, 2);
}

TEST_F(Commands, Exit2OnWhatTheyCannotUse) {
  EXPECT_EQ(smgate_server({}, false).exit_code, 2);
  EXPECT_EQ(smgate_server({"token", "create", "--runner", "r 1", "--arch", "sm_89"}).exit_code, 2);
  EXPECT_EQ(smgate_server({"token", "create", "--runner", "r1", "--arch", "volta"}).exit_code, 2);
  EXPECT_EQ(smgate_server({"token", "revoke", "--runner", "nobody"}).exit_code, 2);
  write_file_durably(scratch_ / "server.jsonc", R"({"data_folder": "data", "listne": 1})");
  const Output refused = smgate_server({"serve"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("/listne: is not a field known here"));
}

}  // namespace
}  // namespace smgate::test
