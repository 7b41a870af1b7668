#include "runner/agent/config.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/scratch.hpp"

namespace smgate::agent {
namespace {

const std::string kMinimal = R"({
  "server": "wss://gate.example.com", "name": "gb10-1", "arch": "sm_121", "token": "s3cret",  // a comment
  "device": {"name": "GB10", "memory_bytes": 128500000000, "unified": true}
})";

std::string with(const std::string& field, const std::string& value) {
  std::string text = kMinimal;
  return text.insert(1, "\"" + field + "\": " + value + ",");
}

std::string mistake(const std::string& text) {
  const auto config = parse_agent_config(text, "/etc/smgate/runner.jsonc");
  return config ? "" : config.error().text();
}

TEST(AgentConfig, NeedsLittle) {
  const AgentConfig config = parse_agent_config(kMinimal, "/etc/smgate/runner.jsonc").value();
  EXPECT_TRUE(config.address.tls);
  EXPECT_EQ(config.address.host, "gate.example.com");
  EXPECT_EQ(config.address.port, "443");
  EXPECT_EQ(config.address.target, "/runner/v1");
  EXPECT_EQ(config.limits.grace.count(), 10'000);
  EXPECT_EQ(config.limits.log_bytes_max, 256U << 20U);
  EXPECT_FALSE(config.device.emulated);
}

TEST(AgentConfig, NamesEveryMistakeByItsPointer) {
  EXPECT_NE(mistake(with("limits", "{\"grace_ms\": -1}")).find("/limits/grace_ms"), std::string::npos);
  EXPECT_NE(mistake(with("colour", "1")).find("/colour: is not a field"), std::string::npos);
  EXPECT_NE(mistake(with("token_file", "\"x\"")).find("/token: give either"), std::string::npos);
  EXPECT_NE(mistake(with("git", "{\"protocols\": [\"ext\"]}")).find("/git/protocols"), std::string::npos);
  EXPECT_NE(mistake("{}").find("/server"), std::string::npos);
}

TEST(AgentConfig, ReadsTheTokenFromAFileBesideIt) {
  const test::Scratch scratch;
  std::ofstream(scratch / "token") << "from-file\n";
  std::string text = kMinimal;
  text.replace(text.find("\"token\": \"s3cret\""), 17, "\"token_file\": \"token\"");
  EXPECT_EQ(parse_agent_config(text, scratch / "runner.jsonc").value().token, "from-file");
}

TEST(AgentConfig, ClosesStagesOffFromItsOwnFilesAndFromWhatItNames) {
  const AgentConfig config =
      parse_agent_config(with("sandbox", R"({"hide": ["/etc/smgate"]})"), "/etc/smgate/runner.jsonc").value();
  EXPECT_TRUE(config.sandbox);
  const std::vector<std::filesystem::path> hidden{"/etc/smgate/runner.jsonc", "/var/lib/smgate-runner", "/etc/smgate"};
  EXPECT_EQ(config.hidden, hidden);
  EXPECT_FALSE(parse_agent_config(with("sandbox", R"({"enabled": false})"), "/etc/x").value().sandbox);
  EXPECT_NE(mistake(with("sandbox", R"({"hide": ["keys"]})")).find("/sandbox/hide"), std::string::npos);
}

TEST(AgentConfig, ShowsEffectiveValuesButNoSecret) {
  const std::string given = with("git", "{\"env\": {\"A\": \"hidden\"}}");
  std::string text = describe(parse_agent_config(given, "/etc/x").value());
  text += describe(parse_agent_config(with("env", "{\"HF_TOKEN\": \"hidden\"}"), "/etc/x").value());
  EXPECT_EQ(text.find("s3cret"), std::string::npos);
  EXPECT_EQ(text.find("hidden"), std::string::npos);
  EXPECT_NE(text.find("\"grace_ms\":10000"), std::string::npos);
}

TEST(ServerAddress, IsTakenApart) {
  const ServerAddress plain = parse_server_address("ws://127.0.0.1:8080/x/y").value();
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(plain.port, "8080");
  EXPECT_EQ(plain.target, "/x/y");
  EXPECT_EQ(parse_server_address("ws://[::1]:81").value().host, "::1");
  for (const char* wrong : {"", "http://x", "ws://", "ws://x:", "ws://x:99x", "ws://u:p@x", "ws://a b"})
    EXPECT_FALSE(parse_server_address(wrong)) << wrong;
}

TEST(AgentConfig, TheExampleIsValid) {
  const auto config = load_agent_config(SMGATE_SOURCE_DIR "/deploy/runner.example.jsonc");
  ASSERT_FALSE(config);  // only its token file is missing here
  EXPECT_EQ(config.error().text().find("/token_file"),
            config.error().text().find('/', 1 + config.error().where.size()));
  EXPECT_EQ(config.error().text().find(';'), std::string::npos) << config.error().text();
}

}  // namespace
}  // namespace smgate::agent
