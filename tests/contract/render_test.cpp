#include "runner/check/render.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/contract/judge.hpp"
#include "common/contract/report_text.hpp"
#include "runner/check/check.hpp"

namespace smgate::check {
namespace {

using testing::HasSubstr;
using testing::Not;

contract::Report report_of(const std::string& name) {
  Options options;
  options.paths = {SMGATE_SOURCE_DIR "/tests/contract/cases/" + name};
  return contract::judge(read_facts(options).value(), {});
}

contract::Report missing_keys(int count) {
  contract::Report report;
  report.verdict = contract::Verdict::fail;
  report.clauses = {{"KC-2", "Covered", contract::Outcome::fail, "many"}};
  for (int i = 0; i < count; ++i) {
    contract::Finding finding;
    finding.clause = "KC-2";
    finding.kind = "missing";
    finding.message = "key " + std::to_string(i);
    report.findings.push_back(finding);
  }
  return report;
}

boost::property_tree::ptree suite_of(const contract::Report& report) {
  std::istringstream in(render(report, Format::junit, false));
  boost::property_tree::ptree tree;
  boost::property_tree::read_xml(in, tree);
  return tree.get_child("testsuites.testsuite");
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

TEST(RenderText, KeepsTwoHundredMissingKeysReadable) {
  const contract::Report report = missing_keys(200);
  const std::string text = render(report, Format::text, false);
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 30);
  EXPECT_THAT(text, HasSubstr("and 195 more"));
  EXPECT_THAT(text, HasSubstr("unexplained: 200 findings"));
  EXPECT_THAT(render(report, Format::text, true), HasSubstr("\x1B[31mfail\x1B[0m"));
}

TEST(RenderText, SaysWhatACauseExplainsAndWhatToDo) {
  const std::string text = render(report_of("collided.jsonl"), Format::text, false);
  EXPECT_THAT(text, HasSubstr("\n    explains 5 findings of KC-2, KC-3, KC-4 ["));
  EXPECT_THAT(text, HasSubstr("\n    next: make the offers cited here use the key that they are given"));
  EXPECT_THAT(render(report_of("cache_silent.jsonl"), Format::text, false), HasSubstr("\n    leaves open: KC-1, KC-2"));
}

TEST(RenderText, BeginsWithWhatFailsAndTellsOneReasonOnce) {
  const std::string text = render(report_of("cut_short.jsonl"), Format::text, false);
  EXPECT_LT(text.find("  fail            DS-1"), text.find("  inconclusive    KC-2"));
  EXPECT_THAT(text, HasSubstr("\n  not applicable  KC-8, DS-7, DS-8  it compares the runs"));
}

TEST(Places, AreNamedOnceEach) {
  const auto at = [](const char* place) { return contract::EventRef{7, 0, contract::Source::self, 3, place}; };
  EXPECT_EQ(contract::places({at("a.cpp:1"), at("a.cpp:1"), at("b.cpp:2"), at("c.cpp:3")}, 2),
            "a.cpp:1, b.cpp:2 and 1 more");
  EXPECT_EQ(contract::places({}, 2), "");
}

TEST(RenderText, LetsAWorkloadMoveNoCursor) {
  contract::Report report = missing_keys(1);
  report.findings[0].message = "\x1B[2Jkey\x7F \xC2\x9B 31m\nfail: \xC3\xA9";
  report.summary.symptom = report.clauses[0].reason = "\x1B]0;title\a";
  const std::string text = render(report, Format::text, false);
  EXPECT_THAT(text, Not(HasSubstr("\x1B")));
  EXPECT_THAT(text, HasSubstr("missing: ?[2Jkey? ? 31m fail: \xC3\xA9\n"));
}

TEST(RenderText, NamesEachArchitectureOfAComparison) {
  contract::Report report;
  report.architectures = {{"sm_89", "RTX 4090", false, true, 2.0, 1.0, 100.0, 90.0}, {}};
  report.architectures[1].arch = "sm_121";
  report.architectures[1].emulated = true;
  const std::string text = render(report, Format::text, false);
  EXPECT_THAT(text, HasSubstr("sm_89, RTX 4090; completed; loss 2 -> 1; 100 tokens/s (base 90)"));
  EXPECT_THAT(text, HasSubstr("sm_121 (emulated); did not complete"));
}

TEST(RenderMarkdown, BeginsWithVerdictAndCause) {
  const std::string text = render(report_of("collided.jsonl"), Format::markdown, true);
  EXPECT_THAT(first_line(text), HasSubstr("fail: prewarm_key_collision: 3 bodies offered under one key"));
  EXPECT_THAT(text, HasSubstr("1. `prewarm_key_collision`"));
  EXPECT_THAT(text, HasSubstr("| KC-2 | ❌ fail |"));
  EXPECT_THAT(text, Not(HasSubstr("\x1B")));
}

TEST(RenderMarkdown, KeepsTwoHundredMissingKeysReadable) {
  const std::string text = render(missing_keys(200), Format::markdown, false);
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 40);
  EXPECT_THAT(text, HasSubstr("Findings: 200"));
  EXPECT_THAT(text, HasSubstr("and 190 more"));
}

TEST(RenderMarkdown, LetsAWorkloadMakeNoMarkup) {
  contract::Report report = missing_keys(1);
  report.findings[0].message = "@team | </details><script>\n# title";
  const std::string text = render(report, Format::markdown, false);
  EXPECT_THAT(text, HasSubstr("@\xE2\x80\x8Bteam \\| &lt;/details>&lt;script> \\# title"));
}

TEST(RenderMarkdown, LeavesCodeAsItIsAndLetsNobodyEndIt) {
  contract::Report report = missing_keys(1);
  const auto shown = [&](const char* message) {
    report.findings[0].message = message;
    return render(report, Format::markdown, false);
  };
  EXPECT_THAT(shown("`k[*fp32, <1>]` was"), HasSubstr("missing: `k[*fp32, <1>]` was\n"));
  EXPECT_THAT(shown("`a``b` [x]"), HasSubstr("missing: `a``b` \\[x\\]\n"));
  EXPECT_THAT(shown("`never ends @team"), HasSubstr("missing: \\`never ends @\xE2\x80\x8Bteam\n"));
}

TEST(RenderJunit, CountsAClauseAsATestCase) {
  const contract::Report report = report_of("collided.jsonl");
  const auto suite = suite_of(report);
  EXPECT_EQ(suite.get<std::size_t>("<xmlattr>.tests"), report.clauses.size());
  EXPECT_EQ(suite.count("testcase"), report.clauses.size());
  const auto counted = [&](contract::Outcome outcome) {
    return std::count_if(report.clauses.begin(), report.clauses.end(),
                         [&](const contract::ClauseResult& clause) { return clause.outcome == outcome; });
  };
  EXPECT_EQ(suite.get<long>("<xmlattr>.failures"), counted(contract::Outcome::fail));
  EXPECT_EQ(suite.get<long>("<xmlattr>.errors"), counted(contract::Outcome::inconclusive));
  EXPECT_EQ(suite.get<long>("<xmlattr>.skipped"), counted(contract::Outcome::not_applicable));
  EXPECT_GT(counted(contract::Outcome::fail), 0);
}

TEST(RenderJunit, SaysWhatBrokeAClause) {
  const auto suite = suite_of(missing_keys(200));
  const std::string failure = suite.get<std::string>("testcase.failure");
  EXPECT_THAT(failure, HasSubstr("missing: key 0"));
  EXPECT_THAT(failure, HasSubstr("missing: and 150 more"));
  EXPECT_EQ(suite.get<std::string>("testcase.failure.<xmlattr>.message"), "many");
}

TEST(RenderJunit, NamesTheCauseBesideEachClauseItBreaksOrLeavesOpen) {
  const auto silent = suite_of(report_of("cache_silent.jsonl"));
  EXPECT_THAT(silent.get<std::string>("testcase.error"), HasSubstr("cause cache_silent: the run trained"));
  const std::string text = render(report_of("collided.jsonl"), Format::junit, false);
  EXPECT_THAT(text, HasSubstr("cause prewarm_key_collision: 3 bodies offered under one key `silu"));
}

TEST(RenderJunit, StaysXmlWhateverAWorkloadSays) {
  contract::Report report = missing_keys(1);
  report.findings[0].message = "</failure>\x01\xFF & \"quoted\" ]]>";
  const std::string failure = suite_of(report).get<std::string>("testcase.failure");
  EXPECT_THAT(failure, HasSubstr("</failure>?\xEF\xBF\xBD & \"quoted\" ]]>"));
}

TEST(RenderJson, IsTheReportOfTheSchema) {
  const contract::Report report = report_of("collided.jsonl");
  EXPECT_EQ(nlohmann::json::parse(render(report, Format::json, true)), contract::to_json(report));
}

}  // namespace
}  // namespace smgate::check
