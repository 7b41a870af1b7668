#include "common/contract/report_text.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>

#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kSymptomBytesShown = 300;

std::string device_of(const std::string& arch, bool emulated, const std::string& device) {
  std::string text = arch.empty() ? "unknown" : arch;
  if (emulated) text += " (emulated)";
  return device.empty() ? text : text + ", " + device;
}

std::vector<std::string> about_one(const Summary& summary) {
  const std::string workload = summary.workload.empty() ? "unknown" : summary.workload;
  std::vector<std::string> lines = {fmt::format(
      "{} on {}; {}{}", workload, device_of(summary.arch, summary.emulated == true, summary.device),
      count_of(summary.steps, "step"), summary.declared_steps ? fmt::format(" of {}", *summary.declared_steps) : "")};
  if (summary.initial_loss && summary.final_loss)
    lines.push_back(fmt::format("loss {:.6g} -> {:.6g}; {} compiled, {} late", *summary.initial_loss,
                                *summary.final_loss, count_of(summary.compiles, "kernel"), summary.late_compiles));
  if (!summary.symptom.empty())
    lines.push_back(fmt::format("stopped with: {}", cut_utf8(summary.symptom, kSymptomBytesShown)));
  return lines;
}

std::string about_compared(const ArchSummary& summary) {
  std::string line = device_of(summary.arch, summary.emulated, summary.device);
  line += summary.completed ? "; completed" : "; did not complete";
  if (summary.initial_loss && summary.final_loss)
    line += fmt::format("; loss {:.6g} -> {:.6g}", *summary.initial_loss, *summary.final_loss);
  if (summary.tokens_per_s) line += fmt::format("; {:.0f} tokens/s", *summary.tokens_per_s);
  if (summary.base_tokens_per_s) line += fmt::format(" (base {:.0f})", *summary.base_tokens_per_s);
  return line;
}

}  // namespace

std::string decided_by(const Report& report) {
  if (!report.causes.empty()) return report.causes.front().id + ": " + report.causes.front().text;
  if (!report.findings.empty()) return report.findings.front().clause + ": " + report.findings.front().message;
  const auto open = std::find_if(report.clauses.begin(), report.clauses.end(),
                                 [](const ClauseResult& clause) { return clause.outcome == Outcome::inconclusive; });
  return open == report.clauses.end() ? "every clause that applies holds" : open->id + ": " + open->reason;
}

std::vector<std::string> about(const Report& report) {
  if (report.architectures.empty()) return about_one(report.summary);
  std::vector<std::string> lines;
  for (const ArchSummary& summary : report.architectures) lines.push_back(about_compared(summary));
  return lines;
}

std::string explained_by(const Report& report, const Cause& cause) {
  const bool findings = std::any_of(report.findings.begin(), report.findings.end(),
                                    [&](const Finding& finding) { return finding.explained_by == cause.id; });
  const std::string clauses = fmt::format("{}", fmt::join(cause.clauses, ", "));
  return findings ? fmt::format("explains {} of {}", count_of(cause.explains, "finding"), clauses)
                  : "leaves open: " + clauses;
}

std::string places(const std::vector<EventRef>& refs, std::size_t shown_max) {
  std::vector<std::string> all;  // each once: the lines of one loop cite one place
  for (const EventRef& ref : refs) {
    std::string place = ref.at.empty() ? fmt::format("pid {} event {}", ref.pid, ref.seq) : ref.at;
    if (std::find(all.begin(), all.end(), place) == all.end()) all.push_back(std::move(place));
  }
  const std::size_t left_out = all.size() - std::min(all.size(), shown_max);
  all.resize(all.size() - left_out);
  return fmt::format("{}", fmt::join(all, ", ")) + (left_out > 0 ? fmt::format(" and {} more", left_out) : "");
}

std::vector<FindingGroup> group_findings(const Report& report, std::size_t shown_max) {
  std::vector<FindingGroup> groups;
  for (const Finding& finding : report.findings) {
    const auto same = [&](const FindingGroup& g) { return g.clause == finding.clause && g.kind == finding.kind; };
    auto group = std::find_if(groups.begin(), groups.end(), same);
    if (group == groups.end()) group = groups.insert(groups.end(), {finding.clause, finding.kind, {}, 0});
    if (group->shown.size() < shown_max)
      group->shown.push_back(&finding);
    else
      ++group->left_out;
  }
  return groups;
}

}  // namespace smgate::contract
