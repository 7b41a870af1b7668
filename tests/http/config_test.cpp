#include "server/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "common/file.hpp"
#include "common/json_reader.hpp"
#include "tests/support/rsa_key.hpp"
#include "tests/support/scratch.hpp"

namespace smgate {
namespace {

using testing::HasSubstr;
using testing::Not;

nlohmann::json minimal() {
  return {
      {"data_folder", "data"}, {"webhook_secret", "0123456789abcdef"}, {"repositories", {{{"name", "acme/kernels"}}}}};
}

Result<Config> parse(const nlohmann::json& json) { return parse_config(json.dump(), "/etc/smgate/server.jsonc"); }

std::string mistake(const char* pointer, nlohmann::json value) {
  nlohmann::json json = minimal();
  json[nlohmann::json::json_pointer(pointer)] = std::move(value);
  const Result<Config> config = parse(json);
  return config ? "(accepted)" : config.error().text();
}

TEST(ParseConfig, HasDefaultsForAllButWhatOnlyTheOperatorKnows) {
  const Config config = parse(minimal()).value();
  EXPECT_EQ(config.address, "127.0.0.1");
  EXPECT_EQ(config.port, 8080);
  EXPECT_EQ(config.data_folder, "/etc/smgate/data");
  EXPECT_EQ(config.database, "/etc/smgate/data/smgate.db");
  EXPECT_FALSE(config.emulated_satisfies_required);
  EXPECT_THAT(parse(nlohmann::json::object()).error().text(), HasSubstr("/data_folder"));
}

TEST(ParseConfig, TakesAddressesOfBothFamilies) {
  nlohmann::json json = minimal();
  json["listen"] = "[::1]:0";
  EXPECT_EQ(parse(json).value().address, "::1");
  EXPECT_EQ(parse(json).value().port, 0);
  EXPECT_EQ(to_json(parse(json).value())["listen"], "[::1]:0");
}

TEST(ParseConfig, NamesEveryMistakeByItsPointer) {
  EXPECT_THAT(mistake("/listn", 1), HasSubstr("/listn: is not a field"));
  EXPECT_THAT(mistake("/listen", "localhost"), HasSubstr("/listen: must be ADDRESS:PORT"));
  EXPECT_THAT(mistake("/listen", "127.0.0.1:70000"), HasSubstr("/listen"));
  EXPECT_THAT(mistake("/repositories/0/name", "kernels"), HasSubstr("/repositories/0/name: must be owner/name"));
  EXPECT_THAT(mistake("/repositories/0/clone_url", "ext::sh"), HasSubstr("/repositories/0/clone_url"));
  EXPECT_THAT(mistake("/repositories", nlohmann::json::array()), HasSubstr("/repositories"));
  EXPECT_THAT(mistake("/webhook_secret", "short"), HasSubstr("/webhook_secret: must have at least 16 bytes"));
  EXPECT_THAT(mistake("/limits", {{"heartbeat_ms", 30'000}}), HasSubstr("/limits/heartbeat_ms"));
}

TEST(ParseConfig, PrintsNoCredentialsOfACloneUrl) {
  nlohmann::json json = minimal();
  json["repositories"][0]["clone_url"] = "https://bot:secret@example.com/a/b.git";
  EXPECT_EQ(to_json(parse(json).value())["repositories"][0]["clone_url"], "https://example.com/a/b.git");
  EXPECT_EQ(parse(json).value().repositories.begin()->second, "https://bot:secret@example.com/a/b.git");
}

TEST(ParseConfig, ReadsTheSecretFromAFile) {
  const test::Scratch scratch;
  write_file_durably(scratch / "secret", "a secret of a file\n");
  nlohmann::json json = minimal();
  json.erase("webhook_secret");
  json["webhook_secret_file"] = "secret";
  EXPECT_EQ(parse_config(json.dump(), scratch / "server.jsonc").value().webhook_secret, "a secret of a file");
  json["webhook_secret_file"] = "nowhere";
  EXPECT_THAT(parse_config(json.dump(), scratch / "server.jsonc").error().text(), HasSubstr("/webhook_secret_file"));
}

TEST(ParseConfig, TakesAGitHubTokenOrAnAppButNoTokenInTheClear) {
  const test::Scratch scratch;
  write_file_durably(scratch / "token", "ghp_example\n");
  nlohmann::json json = minimal();
  json["github"] = {{"api_url", "https://ghe.example/api/v3/"}, {"token_file", "token"}};
  const Config config = parse_config(json.dump(), scratch / "server.jsonc").value();
  EXPECT_EQ(config.github.token, "ghp_example");
  EXPECT_EQ(config.github.api_url, "https://ghe.example/api/v3");
  EXPECT_THAT(to_json(config).dump(), Not(HasSubstr("ghp_example")));
  EXPECT_THAT(mistake("/github", {{"api_url", "http://ghe.example"}}), HasSubstr("/github/api_url"));
  EXPECT_THAT(mistake("/github", {{"client_id", "Iv1"}}), HasSubstr("/github/client_id"));
  EXPECT_THAT(mistake("/github", {{"client_id", "Iv1"}, {"private_key_file", "/dev/null"}}),
              HasSubstr("/github/private_key_file"));
}

TEST(ParseConfig, FindsTheGitHostOfAnApi) {
  const auto git_url = [](const nlohmann::json& github) {
    nlohmann::json json = minimal();
    json["github"] = github;
    return parse(json).value().github.git_url;
  };
  EXPECT_EQ(git_url({{"api_url", "https://api.github.com"}}), "https://github.com");
  EXPECT_EQ(git_url({{"api_url", "https://ghe.example:8443/api/v3"}}), "https://ghe.example:8443");
  EXPECT_EQ(git_url({{"api_url", "https://api.acme.ghe.com"}}), "https://acme.ghe.com");
  EXPECT_EQ(git_url({{"git_url", "https://git.example/"}}), "https://git.example");
  for (const char* wrong : {"http://git.example", "https://git.example/a", "git.example"})
    EXPECT_THAT(mistake("/github", {{"git_url", wrong}}), HasSubstr("/github/git_url"));
}

TEST(ConfigToJson, ShowsNoSecret) {
  EXPECT_THAT(to_json(parse(minimal()).value()).dump(), Not(HasSubstr("0123456789abcdef")));
}

// The example with all that it shows commented out put in force.
std::string whole_example() {
  std::istringstream lines(
      read_file(std::string(SMGATE_SOURCE_DIR) + "/deploy/server.example.jsonc", 1U << 16U).value());
  std::string text;
  for (std::string line; std::getline(lines, line); text += line + "\n") {
    const std::size_t mark = line.find("// ");
    const std::size_t field = mark == std::string::npos ? mark : line.find_first_not_of(' ', mark + 3);
    if (field == std::string::npos || line.find_first_not_of(' ') != mark) continue;
    if (line[field] == '"' || line[field] == '}') line.erase(mark, 3);
  }
  return text;
}

TEST(ExampleConfig, ShowsEveryFieldAsItIsRead) {
  const std::string text = whole_example();
  const Result<Config> config = parse_config(text, "/etc/smgate/server.jsonc");
  ASSERT_FALSE(config);  // its secrets are files of the operator's; nothing else may be wrong
  const std::string mistakes = config.error().text();
  EXPECT_EQ(std::count(mistakes.begin(), mistakes.end(), ';'), 1) << mistakes;
  EXPECT_THAT(mistakes, HasSubstr("/webhook_secret_file"));
  EXPECT_THAT(mistakes, HasSubstr("/github/private_key_file"));
  const nlohmann::json shown = parse_json_with_comments(text).value();
  const nlohmann::json known = to_json(parse(minimal()).value());
  for (const auto& [field, value] : known.items())
    if (field != "webhook_secret") {
      EXPECT_TRUE(shown.contains(field)) << field;
    }
  EXPECT_EQ(shown["read_access"], "open");
}

TEST(ExampleConfig, IsAccepted) {
  const std::string file = std::string(SMGATE_SOURCE_DIR) + "/deploy/server.example.jsonc";
  const Result<Config> config = load_config(file);
  ASSERT_FALSE(config);  // its secret is a file of the operator's; nothing else may be wrong
  EXPECT_THAT(config.error().text(), HasSubstr("/webhook_secret_file"));
  EXPECT_THAT(config.error().text(), Not(HasSubstr("; /")));
}

// With the files that it names.
TEST(ExampleConfig, IsAcceptedWithItsAppAndItsFiles) {
  const test::Scratch scratch;
  const std::string text =
      std::regex_replace(whole_example(), std::regex("/etc/(smgate|ssl/certs)"), scratch.path().string());
  write_file_durably(scratch / "webhook-secret", "0123456789abcdef0123456789abcdef\n");
  write_file_durably(scratch / "github-app.pem", test::RsaKey().pem());
  const Result<Config> config = parse_config(text, scratch / "server.jsonc");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->github.git_url, "https://github.com");
  EXPECT_EQ(config->github.client_id, "Iv23liExample");
  EXPECT_FALSE(config->github.private_key.empty());
}

}  // namespace
}  // namespace smgate
