// Summary and text of checks: the verdict and its most upstream cause first, then the tables. Part of render.hpp.
#include <spdlog/fmt/fmt.h>

#include <map>

#include "server/reporter/render.hpp"
#include "server/reporter/text.hpp"

namespace smgate::reporter {
namespace {

using nlohmann::json;
using store::RunState;
using store::RunVerdict;

constexpr std::size_t kSparklineWidth = 60;
constexpr std::size_t kCausesMax = 20;
constexpr std::size_t kFindingsMax = 100;  // the API has all of them

const json& list_of(const json& report, const char* field) {
  static const json kNone = json::array();
  return report.is_object() && report.contains(field) && report[field].is_array() ? report[field] : kNone;
}

std::string text_of(const json& object, const char* field) {
  return object.is_object() && object.contains(field) && object[field].is_string() ? object[field].get<std::string>()
                                                                                   : "";
}

std::string state_of(const store::Job& job) {
  return std::string(job.verdict ? to_string(*job.verdict) : to_string(job.state));
}

std::string losses(const store::Job& job) {
  if (!job.initial_loss || !job.final_loss) return "";
  return fmt::format("{:.4g} to {:.4g}", *job.initial_loss, *job.final_loss);
}

std::string headline(std::string_view what, const std::string& first_cause, const std::string& reason) {
  std::string line = fmt::format("**{}**", what);
  if (!first_cause.empty()) line += fmt::format(": `{}`", first_cause);
  if (!reason.empty()) line += (first_cause.empty() ? ": " : ". ") + plain(reason);
  return line + "\n";
}

std::string architectures_table(const RunView& view) {
  if (view.jobs.empty()) return "";
  std::string table =
      "\n| architecture | verdict | first cause | loss | device | attempt |\n|---|---|---|---|---|---|\n";
  for (const JobView& one : view.jobs)
    table +=
        fmt::format("| {} | {} | {} | {} | {} | {} |\n", plain(one.job.arch.value), state_of(one.job),
                    plain(one.job.first_cause), losses(one.job), one.job.emulated ? "emulated" : "", one.job.attempt);
  return table;
}

std::string curve_of(const RunView& view, const JobView& one) {
  if (one.curve.empty()) return "";
  const std::string arch = plain(one.job.arch.value);
  if (!view.public_url.empty() && view.pictures)
    return fmt::format("\n![loss on {}]({}/api/v1/jobs/{}/curve.svg)\n", arch, view.public_url, one.job.id.value);
  return fmt::format("\nloss on {}: `{}`\n", arch, sparkline(one.curve, kSparklineWidth));
}

// Clauses by id, each with its outcome on every architecture.
std::string clauses_table(const std::vector<const JobView*>& jobs) {
  struct Row {
    std::string title;
    std::map<std::string, std::string> outcomes;
  };
  std::map<std::string, Row> rows;
  for (const JobView* one : jobs)
    for (const json& clause : list_of(one->report, "clauses")) {
      Row& row = rows[text_of(clause, "id")];
      row.title = text_of(clause, "title");
      row.outcomes[one->job.arch.value] = text_of(clause, "outcome");
    }
  if (rows.empty()) return "";
  std::string table = "| clause | |", line = "|---|---|";
  for (const JobView* one : jobs) (table += " " + plain(one->job.arch.value) + " |", line += "---|");
  table += "\n" + line + "\n";
  for (const auto& [id, row] : rows) {
    table += fmt::format("| {} | {} |", id, plain(row.title));
    for (const JobView* one : jobs) {
      const auto found = row.outcomes.find(one->job.arch.value);
      table += " " + (found == row.outcomes.end() ? std::string() : plain(found->second)) + " |";
    }
    table += "\n";
  }
  return table;
}

std::string causes_of(const JobView& one) {
  std::string text;
  std::size_t shown = 0;
  for (const json& cause : list_of(one.report, "causes")) {
    if (++shown > kCausesMax) break;
    text += fmt::format("{}. `{}`: {}", shown, text_of(cause, "id"), plain(text_of(cause, "text")));
    if (cause.contains("explains") && cause["explains"].is_number_unsigned())
      text += fmt::format(" (explains {})", cause["explains"].get<std::uint64_t>());
    text += "\n";
  }
  return text.empty() ? "" : fmt::format("\n### Causes on {}, upstream first\n\n{}", plain(one.job.arch.value), text);
}

std::string findings_of(const JobView& one) {
  std::string text;
  std::size_t shown = 0;
  const json& findings = list_of(one.report, "findings");
  for (const json& finding : findings) {
    if (++shown > kFindingsMax) {
      text += fmt::format("- and {} more\n", findings.size() - kFindingsMax);
      break;
    }
    text += fmt::format("- {} {}: {}\n", text_of(finding, "clause"), plain(text_of(finding, "kind")),
                        plain(text_of(finding, "message")));
  }
  return text.empty() ? "" : "\n### Findings\n\n" + text;
}

std::string blame_of(const RunView& view) {
  const std::string text = text_of(view.blame, "text");
  return text.empty() ? "" : "\n" + plain(text) + "\n";
}

}  // namespace

std::string summary_of_run(const RunView& view) {
  const store::Run& run = view.run;
  std::string summary =
      headline(run.verdict ? to_string(*run.verdict) : to_string(run.state), run.first_cause, run.reason);
  if (run.state == RunState::held)
    summary += fmt::format(
        "\nLook at `{0}` first: it runs on our own hosts. Then press the button above, or write "
        "`/smgate approve {1}` in the pull request. Another push needs another approval.\n",
        run.head_sha.value, run.head_sha.value.substr(0, 7));
  if (run.bootstrap) summary += "\nThe base has no gate file: this run goes by its own policy.\n";
  summary += blame_of(view) + architectures_table(view);
  for (const JobView& one : view.jobs) summary += curve_of(view, one);
  return summary;
}

std::string text_of_run(const RunView& view) {
  std::vector<const JobView*> jobs;
  for (const JobView& one : view.jobs) jobs.push_back(&one);
  std::string text;
  for (const JobView& one : view.jobs) text += causes_of(one);
  const std::string table = clauses_table(jobs);
  return text + (text.empty() || table.empty() ? "" : "\n") + table;
}

std::string summary_of_job(const RunView& view, const JobView& one) {
  const store::Job& job = one.job;
  std::string summary = headline(state_of(job), job.first_cause, job.reason);
  if (job.emulated) summary += "\nOn an **emulated** device.\n";
  if (!job.runner.empty())
    summary += fmt::format("\nRunner {}, attempt {}. {}\n", plain(job.runner.value), job.attempt, losses(job));
  return summary + curve_of(view, one);
}

std::string text_of_job(const JobView& one) {
  const std::string table = clauses_table({&one});
  return causes_of(one) + findings_of(one) + (table.empty() ? "" : "\n" + table);
}

}  // namespace smgate::reporter
