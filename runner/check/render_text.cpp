#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/contract/next_step.hpp"
#include "common/contract/report_text.hpp"
#include "common/contract/text.hpp"
#include "runner/check/render.hpp"

namespace smgate::check {
namespace {

using namespace contract;

constexpr std::size_t kFindingsShown = 5;  // of one clause and kind: two hundred missing keys stay readable
constexpr std::size_t kWarningsShown = 5;
constexpr std::size_t kEvidenceShown = 2;

// Text of a workload on a terminal: it stays on its line, and moves no cursor.
std::string plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    out += byte < 0x20 || byte == 0x7F || c1 ? (byte == '\n' || byte == '\t' ? ' ' : '?') : text[i];
  }
  return out;
}

// Clauses of one outcome; those that are open for one reason share a line.
struct ClauseLine {
  Outcome outcome;
  std::string ids, title, reason;
};

std::vector<ClauseLine> clause_lines(const Report& report) {
  std::vector<ClauseLine> lines;
  for (const Outcome outcome : {Outcome::fail, Outcome::inconclusive, Outcome::pass, Outcome::not_applicable}) {
    const bool open = outcome == Outcome::inconclusive || outcome == Outcome::not_applicable;
    for (const ClauseResult& clause : report.clauses) {
      if (clause.outcome != outcome) continue;
      const auto alike = std::find_if(lines.begin(), lines.end(), [&](const ClauseLine& line) {
        return open && line.outcome == outcome && line.reason == clause.reason;
      });
      if (alike == lines.end()) {
        lines.push_back({outcome, clause.id, clause.title, clause.reason});
      } else {
        alike->ids += ", " + clause.id;
        alike->title.clear();
      }
    }
  }
  return lines;
}

class Renderer {
 public:
  Renderer(const Report& report, bool colour) : report_(report), colour_(colour) {}

  std::string run() {
    headline();
    about_the_run();
    causes();
    clauses();
    findings();
    warnings();
    return std::move(text_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    text_ += fmt::format(format, std::forward<Args>(args)...) + "\n";
  }
  // As wide as the widest, so that what follows stands in a column.
  std::string paint(std::string_view outcome, std::size_t width = 0) const {
    const char* code = outcome == "pass" ? "32" : outcome == "fail" ? "31" : outcome == "inconclusive" ? "33" : "2";
    const std::string word = outcome == "not_applicable" ? "not applicable" : std::string(outcome);
    const std::string spaces(width - std::min(width, word.size()), ' ');
    return (colour_ ? fmt::format("\x1B[{}m{}\x1B[0m", code, word) : word) + spaces;
  }
  static std::string cited(const std::vector<EventRef>& refs) {
    return refs.empty() ? "" : " [" + plain(places(refs, kEvidenceShown)) + "]";
  }

  void headline() { line("{}: {}", paint(to_string(report_.verdict)), plain(decided_by(report_))); }

  void about_the_run() {
    for (const std::string& text : about(report_)) line("  {}", plain(text));
  }

  void causes() {
    if (report_.causes.empty() && report_.findings.empty()) return;
    line("\nCauses, upstream first");
    for (const Cause& cause : report_.causes) {
      const std::string after =
          cause.consequence_of.empty() ? "" : fmt::format(" (follows from {})", cause.consequence_of);
      line("  {}{}: {}", cause.id, after, plain(cause.text));
      line("    {}{}", explained_by(report_, cause), cited(cause.evidence));
      if (const std::string_view next = next_step(cause.id); !next.empty()) line("    next: {}", next);
    }
    if (report_.unexplained() > 0)
      line("  unexplained: {}; no cause is carried by the evidence", count_of(report_.unexplained(), "finding"));
  }

  void clauses() {
    constexpr std::size_t kWidth = std::string_view("not applicable").size();
    line("\nClauses");
    for (const ClauseLine& of : clause_lines(report_)) {
      const std::string reason = plain(of.reason), title = of.title + (reason.empty() || of.title.empty() ? "" : ": ");
      line("  {}  {}  {}{}", paint(to_string(of.outcome), kWidth), of.ids, title, reason);
    }
  }

  void findings() {
    if (report_.findings.empty()) return;
    line("\nFindings");
    for (const FindingGroup& group : group_findings(report_, kFindingsShown)) {
      for (const Finding* finding : group.shown)
        line("  {} {}: {}{}", group.clause, group.kind, plain(finding->message), cited(finding->evidence));
      if (group.left_out > 0)
        line("  {} {}: and {} more (--json lists them)", group.clause, group.kind, group.left_out);
    }
    if (report_.findings_left_out > 0) line("  {} more are not listed", report_.findings_left_out);
  }

  void warnings() {
    if (report_.warnings.empty()) return;
    line("\nWarnings");
    for (std::size_t i = 0; i < report_.warnings.size() && i < kWarningsShown; ++i)
      line("  {} {}", report_.warnings[i].clause, plain(report_.warnings[i].message));
    if (report_.warnings.size() > kWarningsShown) line("  and {} more", report_.warnings.size() - kWarningsShown);
  }

  const Report& report_;
  const bool colour_;
  std::string text_;
};

}  // namespace

std::string render_text(const Report& report, bool colour) { return Renderer(report, colour).run(); }

}  // namespace smgate::check
