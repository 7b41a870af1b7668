#include "common/contract/event.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

namespace smgate::contract {
namespace {

const std::string kHead = R"(,"seq":3,"t_ns":12,"pid":7,"rank":1,"source":"self")";

std::string error_of(const std::string& line) {
  const Result<Event> event = parse_event(line);
  return event ? "accepted" : event.error().text();
}

TEST(ParseEvent, ReadsHeadAndBody) {
  const Result<Event> event =
      parse_event(R"({"ev":"lookup")" + kHead + R"(,"scope":"s","cache":"c","key":"k","hit":true,"at":"a.cpp:3"})");
  ASSERT_TRUE(event);
  EXPECT_EQ(*event, (Event{3, 12, 7, 1, Source::self, Lookup{"s", "c", "k", "", true, "a.cpp:3"}}));
}

TEST(ParseEvent, AcceptsPythonsBareNanAndInfinity) {
  const Result<Event> event = parse_event(R"({"ev":"step")" + kHead + R"(,"step":0,"loss":NaN,"grad_norm":-Infinity})");
  ASSERT_TRUE(event) << event.error().text();
  const Step& step = std::get<Step>(event->body);
  EXPECT_TRUE(std::isnan(*step.loss));
  EXPECT_EQ(*step.grad_norm, -std::numeric_limits<double>::infinity());
}

TEST(ParseEvent, AcceptsNonFiniteNumbersAsStrings) {
  const Result<Event> event = parse_event(R"({"ev":"step")" + kHead + R"(,"step":0,"loss":"NaN","ms":"Infinity"})");
  ASSERT_TRUE(event) << event.error().text();
  EXPECT_TRUE(std::isnan(*std::get<Step>(event->body).loss));
}

TEST(ParseEvent, AcceptsFloatsPrintedAsWholeNumbersBeyond64Bits) {
  const std::string head = R"({"ev":"step")" + kHead + R"(,"step":0,)";
  const auto parse = [&](const std::string& number) { return parse_event(head + "\"loss\":" + number + "}"); };
  for (const char* number : {"111111111111111110656", "-9223372036854775809", "18446744073709551616"}) {
    const Result<Event> event = parse(number);
    ASSERT_TRUE(event.has_value()) << event.error().text();
    EXPECT_EQ(std::get<Step>(event->body).loss, std::strtod(number, nullptr));
    EXPECT_TRUE(parse_event(to_json_line(*event)).has_value()) << to_json_line(*event);
  }
  const Result<Event> beyond = parse("1e99999999999999999999999");
  ASSERT_FALSE(beyond.has_value());
  EXPECT_THAT(beyond.error().text(), testing::HasSubstr("beyond what a double holds"));
  EXPECT_FALSE(parse_event(R"({"ev":"step")" + kHead + R"(,"step":111111111111111110656,"loss":1})").has_value());
}

TEST(ParseEvent, LeavesTheWordNanInsideAStringAlone) {
  const Result<Event> event =
      parse_event(R"({"ev":"note")" + kHead + R"(,"x_f":NaN,"text":"say \"NaN\" \ud800 Infinity"})");
  ASSERT_TRUE(event) << event.error().text();
  EXPECT_EQ(std::get<Note>(event->body).text, "say \"NaN\" \xEF\xBF\xBD Infinity");
}

TEST(ParseEvent, ReplacesBytesThatAreNotUtf8) {
  const Result<Event> event = parse_event(R"({"ev":"error")" + kHead + ",\"text\":\"a\xFF\xC3z\"}");
  ASSERT_TRUE(event) << event.error().text();
  EXPECT_EQ(std::get<ErrorText>(event->body).text, "a\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST(ParseEvent, NamesFieldAndPositionOfWhatIsWrong) {
  EXPECT_THAT(error_of(R"({"ev":"offer")" + kHead + R"(,"scope":"s","cache":"c","body":"b"})"),
              testing::HasSubstr("field \"key\" is missing"));
  EXPECT_THAT(error_of(R"({"ev":"step")" + kHead + R"(,"step":-1})"),
              testing::HasSubstr("field \"step\" (column 65) is -1"));
  EXPECT_THAT(error_of(R"({"ev":"warp")" + kHead + "}"), testing::HasSubstr("\"warp\", which is no event"));
  EXPECT_THAT(error_of(R"({"ev":"note")" + kHead + R"(,"text":"a","colour":1})"), testing::HasSubstr("\"colour\""));
  EXPECT_THAT(error_of(R"({"ev":"note","seq":1,)"), testing::HasSubstr("not JSON at column"));
  EXPECT_THAT(error_of("[1]"), testing::HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of(""), testing::HasSubstr("not JSON"));
}

TEST(ParseEvent, IgnoresTheWorkloadsOwnFields) {
  EXPECT_EQ(error_of(R"({"ev":"note")" + kHead + R"(,"text":"a","x_colour":{"deep":[1]}})"), "accepted");
}

TEST(ParseEvent, RefusesABatchWhoseListsDiffer) {
  EXPECT_THAT(error_of(R"({"ev":"batch")" + kHead + R"(,"frozen":true,"inputs":["a"],"labels":[1,2]})"),
              testing::HasSubstr("has 2 items, inputs has 1"));
}

TEST(ToJsonLine, RoundTripsEveryEvent) {
  const BatchSummary summary{4, 2, 3, 1, 0.6931471805599453};
  const EventBody bodies[] = {
      RunStart{"w", "1", R"({"steps":62,"alpha":0.3})", "sm_121", "GB10", true, false, "none", "a:0"},
      RunEnd{"failed", "illegal \"address\"\n\x01"},
      PrewarmBegin{"s", "c", "a:1"},
      PrewarmEnd{"s", "c", 25, "a:2"},
      Offer{"s", "c", "k", "b", "a:3"},
      Lookup{"s", "c", "k", "b", false, "a:4"},
      Compile{"c", "k", "b", "sm_89", 12, 0.1, true, "log", "a:5"},
      Load{"m", "c", "k", "sm_89", 12, false, "a:6"},
      Unload{"m", "c", "k", "a:7"},
      Alloc{"n", 60'000'000'000, false, "a:8"},
      Memory{1, 2, true, "a:8"},
      PayloadBegin{"s", 5, "a:9"},
      PayloadEnd{"s", std::nullopt, ""},
      Batch{true, "d", {"i", "j"}, {1, -2}, summary},
      Step{61, 0.1, 1e-300, 5e-324, std::numeric_limits<double>::infinity(), 7, 3.0, "a:10"},
      Weights{"s", "p", "safetensors", "apr", "41505200", "d", true, false, "header too large", "a:10"},
      Checkpoint{"p", "safetensors", "safetensors", 5, true, 3, 2, "i", "f", true, "t"},
      ErrorText{"t", "a:11"},
      Note{"", ""}};
  for (const EventBody& body : bodies) {
    const Event event{1, 2, 3, 4, Source::probe, body};
    const Result<Event> back = parse_event(to_json_line(event));
    ASSERT_TRUE(back) << to_json_line(event) << back.error().text();
    EXPECT_EQ(*back, event) << to_json_line(event);
  }
}

}  // namespace
}  // namespace smgate::contract
