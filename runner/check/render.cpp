#include "runner/check/render.hpp"

#include <spdlog/fmt/fmt.h>

#include <map>

#include "common/contract/text.hpp"

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
    about();
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
  static std::string places(const std::vector<EventRef>& refs) {
    std::string text;
    for (std::size_t i = 0; i < refs.size() && i < kEvidenceShown; ++i) {
      const EventRef& ref = refs[i];
      text += text.empty() ? "" : ", ";
      text += ref.at.empty() ? fmt::format("pid {} event {}", ref.pid, ref.seq) : ref.at;
    }
    if (refs.size() > kEvidenceShown) text += fmt::format(" and {} more", refs.size() - kEvidenceShown);
    return text.empty() ? text : " [" + text + "]";
  }

  // The most upstream cause; without one, the clause that decided.
  void headline() {
    const std::string verdict = paint(to_string(report_.verdict));
    if (!report_.causes.empty())
      return line("{}: {}: {}", verdict, report_.causes.front().id, report_.causes.front().text);
    if (!report_.findings.empty())
      return line("{}: {}: {}", verdict, report_.findings.front().clause, report_.findings.front().message);
    for (const ClauseResult& clause : report_.clauses)
      if (clause.outcome == Outcome::inconclusive) return line("{}: {}: {}", verdict, clause.id, clause.reason);
    line("{}: every clause that applies holds", verdict);
  }

  void about() {
    const Summary& summary = report_.summary;
    const auto or_unknown = [](const std::string& text) { return text.empty() ? std::string("unknown") : text; };
    std::string device = or_unknown(summary.arch);
    if (summary.emulated == true) device += " (emulated)";
    if (!summary.device.empty()) device += ", " + summary.device;
    line("  {} on {}; {}{}", or_unknown(summary.workload), device, count_of(summary.steps, "step"),
         summary.declared_steps ? fmt::format(" of {}", *summary.declared_steps) : "");
    if (summary.initial_loss && summary.final_loss)
      line("  loss {} -> {}; {} compiled, {} late", shortest(*summary.initial_loss), shortest(*summary.final_loss),
           count_of(summary.compiles, "kernel"), summary.late_compiles);
    if (!summary.symptom.empty()) line("  stopped with: {}", cut_utf8(summary.symptom, 300));
  }

  void causes() {
    if (report_.causes.empty() && report_.findings.empty()) return;
    line("\nCauses, upstream first");
    for (const Cause& cause : report_.causes) {
      const std::string after =
          cause.consequence_of.empty() ? "" : fmt::format(" (follows from {})", cause.consequence_of);
      line("  {}{}: {}{}", cause.id, after, cause.text, places(cause.evidence));
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
    std::map<std::pair<std::string, std::string>, std::size_t> shown, total;
    for (const Finding& finding : report_.findings) ++total[{finding.clause, finding.kind}];
    for (const Finding& finding : report_.findings) {
      const auto group = std::make_pair(finding.clause, finding.kind);
      const std::size_t index = shown[group]++;
      if (index < kFindingsShown)
        line("  {} {}: {}{}", finding.clause, finding.kind, finding.message, places(finding.evidence));
      if (index == kFindingsShown)
        line("  {} {}: and {} more (--json lists them)", finding.clause, finding.kind, total[group] - index);
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

std::string render(const Report& report, bool colour) { return Renderer(report, colour).run(); }

}  // namespace smgate::check
