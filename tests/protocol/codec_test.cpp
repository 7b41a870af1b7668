#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "common/protocol/messages.hpp"
#include "tests/protocol/random_messages.hpp"
#include "tests/support/schema.hpp"

namespace smgate::protocol {
namespace {

using nlohmann::json;
constexpr std::uint64_t kSeed = 20260520;
constexpr std::uint64_t kMessages = 600;  // some 50 to 80 of each kind

json example(const std::string& name) {
  return json::parse(
      read_file(std::string(SMGATE_SOURCE_DIR) + "/schemas/examples/protocol/" + name + ".json", 1U << 20U).value());
}

// The error of an example that was changed.
std::string error_of(const std::string& name, const std::function<void(json&)>& change) {
  json message = example(name);
  change(message);
  const bool ours = message.value("type", "") == "assign" || message.value("type", "") == "welcome";
  if (ours) {
    const auto parsed = parse_from_coordinator(message.dump());
    return parsed ? "" : parsed.error().text();
  }
  const auto parsed = parse_from_runner(message.dump());
  return parsed ? "" : parsed.error().text();
}

TEST(ProtocolCodec, CarriesEveryMessageUnchanged) {
  test::RandomMessages random(kSeed);
  for (std::uint64_t kind = 0; kind < kMessages; ++kind) {
    const FromRunner up = random.from_runner(kind);
    ASSERT_EQ(parse_from_runner(to_text(up)).value(), up) << to_text(up);
    const FromCoordinator down = random.from_coordinator(kind);
    ASSERT_EQ(parse_from_coordinator(to_text(down)).value(), down) << to_text(down);
  }
}

TEST(ProtocolSchema, AcceptsEveryMessageThatIsWritten) {
  const auto schema = test::JsonSchema::of_project("runner_protocol");
  test::RandomMessages random(kSeed + 1);
  for (std::uint64_t kind = 0; kind < kMessages; ++kind) {
    const std::string up = to_text(random.from_runner(kind));
    ASSERT_EQ(schema.mistakes(json::parse(up)), "") << up;
    const std::string down = to_text(random.from_coordinator(kind));
    ASSERT_EQ(schema.mistakes(json::parse(down)), "") << down;
  }
}

TEST(ProtocolSchema, AndCodecAcceptEveryExample) {
  const auto schema = test::JsonSchema::of_project("runner_protocol");
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(SMGATE_SOURCE_DIR "/schemas/examples/protocol")) {
    const json message = example(file.path().stem().string());
    EXPECT_EQ(schema.mistakes(message), "") << file.path();
    EXPECT_TRUE(parse_from_runner(message.dump()) || parse_from_coordinator(message.dump())) << file.path();
    ++count;
  }
  EXPECT_EQ(count, 13);
}

// Takes away, retypes and adds a field at every place of every example: codec and schema refuse the same.
void change_everywhere(const json& message, const std::function<void(const json&)>& check) {
  const json flat = message.flatten();
  for (const auto& place : flat.items()) {
    const json::json_pointer pointer(place.key());
    if (place.key().find("/env/") != std::string::npos) continue;  // any variable may go
    json without = message;
    if (without[pointer.parent_pointer()].is_object()) {
      without[pointer.parent_pointer()].erase(pointer.back());
      check(without);
    }
    json retyped = message;
    retyped[pointer] = json::array({json::object()});
    check(retyped);
    json extended = message;
    if (extended[pointer.parent_pointer()].is_object()) {
      extended[pointer.parent_pointer()]["surplus"] = 1;
      check(extended);
    }
  }
}

TEST(ProtocolSchema, AndCodecRefuseTheSame) {
  const auto schema = test::JsonSchema::of_project("runner_protocol");
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(SMGATE_SOURCE_DIR "/schemas/examples/protocol"))
    change_everywhere(example(file.path().stem().string()), [&](const json& message) {
      const bool codec = parse_from_runner(message.dump()) || parse_from_coordinator(message.dump());
      EXPECT_EQ(codec, schema.mistakes(message).empty()) << message;
      EXPECT_FALSE(codec) << message;
      ++count;
    });
  EXPECT_GT(count, 200);
}

TEST(ProtocolCodec, NamesWhatIsWrongByItsPointer) {
  EXPECT_NE(error_of("ack", [](json& m) { m["type"] = "ask"; }).find("type \"ask\" is unknown"), std::string::npos);
  EXPECT_NE(error_of("hello", [](json& m) { m["device"]["memory_bytes"] = -1; }).find("/device/memory_bytes"),
            std::string::npos);
  EXPECT_NE(error_of("hello", [](json& m) { m["held"][0]["job"] = "no ulid"; }).find("/held/0/job"), std::string::npos);
  EXPECT_NE(error_of("item_log", [](json& m) { m["body"]["data"] = "***"; }).find("/body/data"), std::string::npos);
  EXPECT_NE(error_of("item_events", [](json& m) { m["body"]["file"] = "../x"; }).find("/body/file"), std::string::npos);
  EXPECT_NE(error_of("item_events", [](json& m) { m["body"]["part"] = "control:lr1"; }).find("/body/part"),
            std::string::npos);
  EXPECT_NE(error_of("assign", [](json& m) { m["controls"][1] = "lr0"; }).find("/controls"), std::string::npos);
  EXPECT_NE(error_of("assign", [](json& m) { m["credential"]["password"] = "a\nhost=b"; }).find("/credential"),
            std::string::npos);
  EXPECT_NE(error_of("assign", [](json& m) { m["commit"] = "HEAD"; }).find("/commit"), std::string::npos);
  EXPECT_NE(error_of("assign", [](json& m) { m["stages"][1]["name"] = ".."; }).find("/stages/1/name"),
            std::string::npos);
  EXPECT_NE(error_of("assign", [](json& m) { m["stages"][0]["argv"][0] = std::string("a\0b", 3); }).find("/argv"),
            std::string::npos);
  EXPECT_NE(error_of("assign", [](json& m) { m["stages"][0]["env"]["A=B"] = ""; }).find("/env/A=B"), std::string::npos);
}

TEST(ProtocolCodec, RefusesWhatIsNoMessage) {
  for (const std::string text : {"", "null", "[]", "{", "{}", "{\"type\":1}", "\xff", "{\"type\":\"hello\"}x"})
    EXPECT_FALSE(parse_from_runner(text)) << text;
  EXPECT_FALSE(parse_from_runner(to_text(FromCoordinator{Welcome{1, 1}}))) << "said by the other side";
}

TEST(ProtocolCodec, RefusesWhatIsTooLargeOrTooDeep) {
  const std::string large = "{\"type\":\"" + std::string(kMessageBytesMax, 'x') + "\"}";
  EXPECT_NE(parse_from_runner(large).error().what.find("larger than"), std::string::npos);
  std::string deep = "{\"type\":\"item\",\"seq\":" + std::string(900'000, '[') + std::string(900'000, ']') + "}";
  EXPECT_FALSE(parse_from_runner(deep));
  const Item item{{"01JVM5T0ZC8Q4Y6R2N3B7W9XKE"},
                  {"01JVM5T1AB5D7F9H2K4M6P8R0T"},
                  0,
                  LogChunk{"build", std::string(kItemDataBytesMax + 1, 'x')}};
  EXPECT_NE(parse_from_runner(to_text(FromRunner{item})).error().text().find("/body/data"), std::string::npos);
}

TEST(ProtocolCodec, KeepsErrorsShortWhateverCame) {
  std::string many = "{\"type\":\"heartbeat\"";
  for (int i = 0; i < 10'000; ++i) many += ",\"f" + std::to_string(i) + "\":1";
  EXPECT_LT(parse_from_runner(many + "}").error().text().size(), 2000U);
}

TEST(ProtocolCodec, ASafelyFullItemFitsIntoAMessage) {
  const Item item{{"01JVM5T0ZC8Q4Y6R2N3B7W9XKE"},
                  {"01JVM5T1AB5D7F9H2K4M6P8R0T"},
                  0,
                  EventChunk{"1.jsonl", std::string(kItemDataBytesMax, '\x01')}};  // six bytes each, escaped
  EXPECT_EQ(std::get<Item>(parse_from_runner(to_text(FromRunner{item})).value()), item);
}

TEST(ProtocolCodec, ReplacesBytesOfEventsThatAreNoUtf8) {
  const Item item{{"01JVM5T0ZC8Q4Y6R2N3B7W9XKE"}, {"01JVM5T1AB5D7F9H2K4M6P8R0T"}, 0, EventChunk{"1.jsonl", "a\xff\n"}};
  const Item got = std::get<Item>(parse_from_runner(to_text(FromRunner{item})).value());
  EXPECT_EQ(std::get<EventChunk>(got.body).lines, "a\xEF\xBF\xBD\n");
}

}  // namespace
}  // namespace smgate::protocol
