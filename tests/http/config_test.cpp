#include "server/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "common/file.hpp"
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

TEST(ExampleConfig, IsAccepted) {
  const std::string file = std::string(SMGATE_SOURCE_DIR) + "/deploy/server.example.jsonc";
  const Result<Config> config = load_config(file);
  ASSERT_FALSE(config);  // its secret is a file of the operator's; nothing else may be wrong
  EXPECT_THAT(config.error().text(), HasSubstr("/webhook_secret_file"));
  EXPECT_THAT(config.error().text(), Not(HasSubstr("; /")));
}

std::string new_private_key() {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  EVP_PKEY_free(key);
  return pem;
}

// As a new user takes it: the section github without its marks of a comment, the files that it names beside it.
TEST(ExampleConfig, IsAcceptedWithItsAppAndItsFiles) {
  const test::Scratch scratch;
  std::string text = read_file(std::string(SMGATE_SOURCE_DIR) + "/deploy/server.example.jsonc", 1U << 20U).value();
  text = std::regex_replace(text, std::regex("/etc/(smgate|ssl/certs)"), scratch.path().string());
  const std::size_t begin = text.find("// \"github\": {"), end = text.find("// },", begin);
  ASSERT_NE(end, std::string::npos);
  text = text.substr(0, begin) +
         std::regex_replace(text.substr(begin, end + 5 - begin), std::regex("(^|\n *)// "), "$1") +
         text.substr(end + 5);
  write_file_durably(scratch / "webhook-secret", "0123456789abcdef0123456789abcdef\n");
  write_file_durably(scratch / "github-app.pem", new_private_key());
  const Result<Config> config = parse_config(text, scratch / "server.jsonc");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->github.git_url, "https://github.com");
  EXPECT_EQ(config->github.client_id, "Iv23liExample");
  EXPECT_FALSE(config->github.private_key.empty());
}

}  // namespace
}  // namespace smgate
