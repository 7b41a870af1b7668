#include "common/json_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace smgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> texts(const JsonReader& reader) {
  std::vector<std::string> lines;
  for (const Error& mistake : reader.mistakes()) lines.push_back(mistake.text());
  return lines;
}

TEST(ParseJsonWithComments, AllowsBothKindsOfComments) {
  const auto json = parse_json_with_comments("{// one\n\"a\": /* two */ 1}");
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ((*json)["a"], 1);
}

TEST(ParseJsonWithComments, SaysLineAndColumn) {
  const auto json = parse_json_with_comments("{\n  \"a\": }");
  ASSERT_FALSE(json.has_value());
  EXPECT_THAT(json.error().text(), HasSubstr("line 2"));
}

TEST(JsonReader, TakesValuesAndFallbacks) {
  const auto json = nlohmann::json::parse(R"({"port": 80, "share": 0.5, "on": true, "name": "x", "list": ["a", "b"]})");
  JsonReader reader(json);
  EXPECT_EQ(reader.integer("port", std::nullopt, {1, 65535}), 80);
  EXPECT_EQ(reader.number("share", std::nullopt, {0, 1}), 0.5);
  EXPECT_TRUE(reader.boolean("on", false));
  EXPECT_EQ(reader.string("name", std::nullopt), "x");
  EXPECT_THAT(reader.strings("list", {0, 2}), ElementsAre("a", "b"));
  EXPECT_EQ(reader.integer("absent", 7, {0, 9}), 7);
  reader.finish();
  EXPECT_THAT(texts(reader), ElementsAre());
}

TEST(JsonReader, NamesEveryMistakeByItsPointer) {
  const auto json = nlohmann::json::parse(R"({"port": 70000, "a/b": 1, "stages": [{"name": 5}], "kind": "q"})");
  JsonReader reader(json);
  (void)reader.integer("port", 80, {1, 65535});
  (void)reader.one_of("kind", "x", {"x", "y"});
  (void)reader.string("must", std::nullopt);
  for (JsonReader* stage : reader.objects("stages", {1, 3})) {
    (void)stage->string("name", std::nullopt);
    stage->finish();
  }
  reader.finish();
  EXPECT_THAT(texts(reader),
              ElementsAre("/port: must be an integer from 1 to 65535, not 70000",
                          "/kind: must be one of x, y, not \"q\"", "/must: is required",
                          "/stages/0/name: must be a string, not number", "/a~1b: is not a field known here"));
}

TEST(JsonReader, RefusesNumbersBeyondTheirWidth) {
  const auto json = nlohmann::json::parse(R"({"n": 18446744073709551615, "f": 1.5})");
  JsonReader reader(json);
  (void)reader.integer("n", 0, {0, INT64_MAX});
  (void)reader.integer("f", 0, {0, 9});
  EXPECT_EQ(reader.mistakes().size(), 2U);
}

TEST(JsonReader, SaysWhatTheDocumentShouldBe) {
  const auto json = nlohmann::json::parse("[1]");
  JsonReader reader(json);
  EXPECT_THAT(texts(reader), ElementsAre("/: must be an object, not array"));
}

}  // namespace
}  // namespace smgate
