#include "smgate/events.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>

#include "runner/workload/base/sha256.hpp"
#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

TEST(Sha256, GivesTheVectorsOfTheStandard) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(JsonText, EscapesWhatJsonMustAndKeepsUtf8) {
  EXPECT_EQ(events::json_text("a\"b\\c\n\t\x01"), R"("a\"b\\c\n\t\u0001")");
  EXPECT_EQ(events::json_text("\u00e4\u20ac\U0001F600"), "\"\u00e4\u20ac\U0001F600\"");
}

TEST(JsonText, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(events::json_text("a\xff"
                              "b"),
            "\"a?b\"");
  EXPECT_EQ(events::json_text("\xc0\xaf"), "\"??\"");            // overlong
  EXPECT_EQ(events::json_text("\xed\xa0\x80"), "\"???\"");       // a surrogate
  EXPECT_EQ(events::json_text("\xf4\x90\x80\x80"), "\"????\"");  // beyond Unicode
  EXPECT_EQ(events::json_text("\xe2\x82"), "\"??\"");            // cut short
}

TEST(JsonText, CutsLongTextWhereACharacterEnds) {
  EXPECT_EQ(events::json_text("ab\u20ac", 4), "\"ab\"");
  EXPECT_EQ(events::json_text("ab\u20ac", 5), "\"ab\u20ac\"");
}

TEST(JsonReal, PrintsTheShortestThatReadsBackAndNamesTheRest) {
  EXPECT_EQ(events::json_real(0.1), "0.1");
  EXPECT_EQ(events::json_real(1e-6f), "1e-06");
  EXPECT_EQ(std::stod(events::json_real(7.674612345678901)), 7.674612345678901);
  EXPECT_EQ(events::json_real(std::numeric_limits<double>::quiet_NaN()), "\"NaN\"");
  EXPECT_EQ(events::json_real(-std::numeric_limits<float>::infinity()), "\"-Infinity\"");
}

TEST(Writer, NumbersItsLinesAndMarksTheProcess) {
  const Scratch scratch;
  events::Writer writer(scratch.path().string());
  writer.note("one");
  writer.note("two");
  const auto lines = event_lines(scratch.path());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(field(lines[0], "seq"), "0");
  EXPECT_EQ(field(lines[1], "seq"), "1");
  EXPECT_EQ(field(lines[1], "pid"), std::to_string(::getpid()));
  EXPECT_EQ(field(lines[1], "source"), "self");
}

TEST(Writer, OpensAFileOfItsOwnInAForkedChild) {
  const Scratch scratch;
  events::Writer writer(scratch.path().string());
  writer.note("parent");
  const pid_t child = ::fork();
  if (child == 0) {
    writer.note("child");
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const auto lines = event_lines(scratch.path());
  ASSERT_EQ(lines.size(), 2u);
  for (const std::string& line : lines) EXPECT_EQ(field(line, "seq"), "0");
}

TEST(Writer, WritesNothingWithoutAFolderAndSurvivesOneThatCannotBe) {
  events::Writer silent("");
  EXPECT_FALSE(silent.reports());
  silent.note("nobody hears");
  events::Writer impossible("/proc/no-such-folder");
  impossible.note("told on stderr");
}

TEST(Here, IsTheFileAsTheCompilerWasGivenItButRelativeWhereItLiesBelow) {
  for (const char* file : {"a.cpp", "../../src/a.cpp", "/elsewhere/src/a.cpp"}) {
    EXPECT_EQ((events::Here{file, 7}).text(), std::string(file) + ":7");
  }
  const std::string below = (std::filesystem::current_path() / "src/a.cpp").string();
  EXPECT_EQ((events::Here{below.c_str(), 7}).text(), "src/a.cpp:7");
}

TEST(Here, OfTheWorkloadsOwnFilesIsRelativeToItsTree) {
  const SmokeRun run = smoke({"--compiler", "none", "--arch", "sm_89", "--steps", "1"});
  std::size_t places = 0;
  for (const std::string& line : run.events) {
    const std::string at = field(line, "at");
    EXPECT_TRUE(at.empty() || at.starts_with("runner/workload/")) << at;
    places += at.empty() ? 0 : 1;
  }
  EXPECT_GT(places, 100u);
}

}  // namespace
}  // namespace smgate::workload::test
