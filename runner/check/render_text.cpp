#include <spdlog/fmt/fmt.h>

#include "common/contract/report_text.hpp"
#include "common/contract/text.hpp"
#include "runner/check/render.hpp"

namespace smgate::check {
namespace {

using namespace contract;

constexpr std::size_t kFindingsShown = 5;  // of one clause and kind: two hundred missing keys stay readable
constexpr std::size_t kWarningsShown = 5;
constexpr std::size_t kEvidenceShown = 2;

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
  std::string paint(std::string_view outcome) const {
    const char* code = outcome == "pass" ? "32" : outcome == "fail" ? "31" : outcome == "inconclusive" ? "33" : "2";
    return colour_ ? fmt::format("\x1B[{}m{}\x1B[0m", code, outcome) : std::string(outcome);
  }
  static std::string cited(const std::vector<EventRef>& refs) {
    return refs.empty() ? "" : " [" + places(refs, kEvidenceShown) + "]";
  }

  void headline() { line("{}: {}", paint(to_string(report_.verdict)), decided_by(report_)); }

  void about_the_run() {
    for (const std::string& text : about(report_)) line("  {}", text);
  }

  void causes() {
    if (report_.causes.empty() && report_.findings.empty()) return;
    line("\nCauses, upstream first");
    for (const Cause& cause : report_.causes) {
      const std::string after =
          cause.consequence_of.empty() ? "" : fmt::format(" (follows from {})", cause.consequence_of);
      line("  {}{}: {}{}", cause.id, after, cause.text, cited(cause.evidence));
    }
    if (report_.unexplained() > 0)
      line("  unexplained: {}; no cause is carried by the evidence", count_of(report_.unexplained(), "finding"));
  }

  void clauses() {
    line("\nClauses");
    for (const ClauseResult& clause : report_.clauses)
      line("  {}  {:<14} {}{}", clause.id, paint(to_string(clause.outcome)), clause.title,
           clause.reason.empty() ? "" : ": " + clause.reason);
  }

  void findings() {
    if (report_.findings.empty()) return;
    line("\nFindings");
    for (const FindingGroup& group : group_findings(report_, kFindingsShown)) {
      for (const Finding* finding : group.shown)
        line("  {} {}: {}{}", group.clause, group.kind, finding->message, cited(finding->evidence));
      if (group.left_out > 0)
        line("  {} {}: and {} more (--json lists them)", group.clause, group.kind, group.left_out);
    }
    if (report_.findings_left_out > 0) line("  {} more are not listed", report_.findings_left_out);
  }

  void warnings() {
    if (report_.warnings.empty()) return;
    line("\nWarnings");
    for (std::size_t i = 0; i < report_.warnings.size() && i < kWarningsShown; ++i)
      line("  {} {}", report_.warnings[i].clause, report_.warnings[i].message);
    if (report_.warnings.size() > kWarningsShown) line("  and {} more", report_.warnings.size() - kWarningsShown);
  }

  const Report& report_;
  const bool colour_;
  std::string text_;
};

}  // namespace

std::string render_text(const Report& report, bool colour) { return Renderer(report, colour).run(); }

}  // namespace smgate::check
