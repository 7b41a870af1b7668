#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/contract/next_step.hpp"
#include "common/contract/report_text.hpp"
#include "common/contract/text.hpp"
#include "runner/check/render.hpp"

namespace smgate::check {
namespace {

using namespace contract;

constexpr std::size_t kFindingsShown = 50;  // of one clause and kind
constexpr std::size_t kEvidenceShown = 2;

// XML 1.0 has no place for most control characters, escaped or not.
std::string xml(std::string_view text) {
  std::string out;
  for (const char character : valid_utf8(text)) {
    switch (character) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        out += static_cast<unsigned char>(character) < 0x20 && character != '\t' ? '?' : character;
    }
  }
  return out;
}

std::string causes_of(const Report& report, const std::string& clause) {
  std::string text;
  for (const Cause& cause : report.causes)
    if (std::find(cause.clauses.begin(), cause.clauses.end(), clause) != cause.clauses.end())
      text += fmt::format("cause {}: {}\nnext: {}\n\n", cause.id, cause.text, next_step(cause.id));
  return text;
}

std::string findings_of(const Report& report, const std::string& clause) {
  std::string text;
  for (const FindingGroup& group : group_findings(report, kFindingsShown)) {
    if (group.clause != clause) continue;
    for (const Finding* finding : group.shown) {
      const std::string where = places(finding->evidence, kEvidenceShown);
      text += fmt::format("{}: {}{}\n", group.kind, finding->message, where.empty() ? "" : " [" + where + "]");
    }
    if (group.left_out > 0) text += fmt::format("{}: and {} more\n", group.kind, group.left_out);
  }
  return text;
}

std::string test_case(const Report& report, const ClauseResult& clause) {
  const std::string open = fmt::format("    <testcase classname=\"smgate.{}\" name=\"{} {}\"", clause.id.substr(0, 2),
                                       clause.id, xml(clause.title));
  const auto with = [&](const char* element, const std::string& body) {
    return fmt::format("{}>\n      <{} message=\"{}\">{}</{}>\n    </testcase>\n", open, element, xml(clause.reason),
                       xml(body), element);
  };
  switch (clause.outcome) {
    case Outcome::pass:
      break;
    case Outcome::fail:
      return with("failure", causes_of(report, clause.id) + findings_of(report, clause.id));
    case Outcome::inconclusive:
      return with("error", causes_of(report, clause.id));
    case Outcome::not_applicable:
      return fmt::format("{}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", open, xml(clause.reason));
  }
  return open + "/>\n";
}

std::string suite_name(const Report& report) {
  if (!report.architectures.empty()) return "smgate architectures compared";
  const std::string arch = report.summary.arch.empty() ? "unknown" : report.summary.arch;
  return "smgate " + arch + (report.summary.emulated == true ? " (emulated)" : "");
}

}  // namespace

std::string render_junit(const Report& report) {
  const auto count = [&](Outcome outcome) {
    return std::count_if(report.clauses.begin(), report.clauses.end(),
                         [outcome](const ClauseResult& clause) { return clause.outcome == outcome; });
  };
  const std::string counts =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"", report.clauses.size(),
                  count(Outcome::fail), count(Outcome::inconclusive), count(Outcome::not_applicable));
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"smgate\">\n";
  out += fmt::format("  <testsuite name=\"{}\" {}>\n", xml(suite_name(report)), counts);
  out += fmt::format("    <properties>\n      <property name=\"verdict\" value=\"{}\"/>\n", to_string(report.verdict));
  for (const Cause& cause : report.causes)
    out += fmt::format("      <property name=\"cause.{}\" value=\"{}\"/>\n", xml(cause.id), xml(cause.text));
  out += "    </properties>\n";
  for (const ClauseResult& clause : report.clauses) out += test_case(report, clause);
  out += fmt::format("    <system-out>{}: {}</system-out>\n", to_string(report.verdict), xml(decided_by(report)));
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace smgate::check
