#include <spdlog/fmt/fmt.h>

#include "common/contract/next_step.hpp"
#include "common/contract/report_text.hpp"
#include "runner/check/render.hpp"

namespace smgate::check {
namespace {

using namespace contract;

constexpr std::size_t kFindingsShown = 10;  // of one clause and kind
constexpr std::size_t kWarningsShown = 10;
constexpr std::size_t kEvidenceShown = 2;

bool lone_backtick(std::string_view text, std::size_t at) {
  return text[at] == '`' && (at == 0 || text[at - 1] != '`') && (at + 1 == text.size() || text[at + 1] != '`');
}

// The backtick that ends the code that begins at `at`; npos where none begins there.
std::size_t end_of_code(std::string_view text, std::size_t at) {
  if (!lone_backtick(text, at)) return std::string_view::npos;
  for (std::size_t end = at + 1; end < text.size(); ++end)
    if (lone_backtick(text, end)) return end;
  return std::string_view::npos;
}

// In code no other markup counts, and no escape: but a bar ends the cell of a table there, too.
void append_code(std::string& out, std::string_view code) {
  for (const char character : code)
    out += character == '|' ? "\\|" : std::string(1, character == '\n' || character == '\r' ? ' ' : character);
}

// Text of a workload inside a paragraph or a table cell: it makes no markup, mentions nobody and stays on its line.
std::string plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char character = text[i];
    if (character == '\n' || character == '\r') {
      out += ' ';
    } else if (const std::size_t close = end_of_code(text, i); close != std::string_view::npos) {
      append_code(out, text.substr(i, close + 1 - i));
      i = close;
    } else if (character == '@') {
      out += "@\xE2\x80\x8B";  // a zero-width space: nobody is called
    } else if (character == '<') {
      out += "&lt;";
    } else {
      if (std::string_view("\\`*[]|#~").find(character) != std::string_view::npos) out += '\\';
      out += character;
    }
  }
  return out;
}

const char* mark(Outcome outcome) {
  switch (outcome) {
    case Outcome::pass:
      return "✅ pass";
    case Outcome::fail:
      return "❌ fail";
    case Outcome::inconclusive:
      return "⚠️ inconclusive";
    case Outcome::not_applicable:
      break;
  }
  return "➖ not applicable";
}

std::string cited(const std::vector<EventRef>& refs) {
  return refs.empty() ? "" : " (" + plain(places(refs, kEvidenceShown)) + ")";
}

void append_causes(std::string& out, const Report& report) {
  if (report.causes.empty()) return;
  out += "\n**Causes**, upstream first\n\n";
  for (const Cause& cause : report.causes) {
    const std::string after =
        cause.consequence_of.empty() ? "" : fmt::format(" (follows from `{}`)", cause.consequence_of);
    out += fmt::format("1. `{}`{}: {}  \n   {}{}\n", cause.id, after, plain(cause.text), explained_by(report, cause),
                       cited(cause.evidence));
    if (const std::string_view next = next_step(cause.id); !next.empty())
      out += fmt::format("\n   **Next:** {}\n", next);
  }
}

void append_clauses(std::string& out, const Report& report) {
  out += "\n| clause | outcome | |\n|---|---|---|\n";
  for (const ClauseResult& clause : report.clauses)
    out += fmt::format("| {} | {} | {}{} |\n", clause.id, mark(clause.outcome), plain(clause.title),
                       clause.reason.empty() ? "" : ": " + plain(clause.reason));
}

void append_findings(std::string& out, const Report& report) {
  if (report.findings.empty()) return;
  const std::size_t count = report.findings.size() + report.findings_left_out;
  out += fmt::format("\n<details><summary>Findings: {}</summary>\n\n", count);
  for (const FindingGroup& group : group_findings(report, kFindingsShown)) {
    for (const Finding* finding : group.shown)
      out += fmt::format("- **{}** {}: {}{}\n", group.clause, group.kind, plain(finding->message),
                         cited(finding->evidence));
    if (group.left_out > 0) out += fmt::format("- **{}** {}: and {} more\n", group.clause, group.kind, group.left_out);
  }
  out += "\n</details>\n";
}

void append_warnings(std::string& out, const Report& report) {
  if (report.warnings.empty()) return;
  out += fmt::format("\n<details><summary>Warnings: {}</summary>\n\n", report.warnings.size());
  for (std::size_t i = 0; i < report.warnings.size() && i < kWarningsShown; ++i)
    out += fmt::format("- **{}** {}\n", report.warnings[i].clause, plain(report.warnings[i].message));
  if (report.warnings.size() > kWarningsShown)
    out += fmt::format("- and {} more\n", report.warnings.size() - kWarningsShown);
  out += "\n</details>\n";
}

}  // namespace

std::string render_markdown(const Report& report) {
  std::string out = fmt::format("### {}: {}\n\n", to_string(report.verdict), plain(decided_by(report)));
  for (const std::string& line : about(report)) out += plain(line) + "  \n";
  append_causes(out, report);
  append_clauses(out, report);
  append_findings(out, report);
  append_warnings(out, report);
  return out;
}

}  // namespace smgate::check
