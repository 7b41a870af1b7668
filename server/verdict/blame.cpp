#include "server/verdict/blame.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/contract/signature.hpp"
#include "server/store/actions.hpp"
#include "server/store/heads.hpp"
#include "server/store/views.hpp"

namespace smgate::verdict {
namespace {

using nlohmann::json;
using store::RunVerdict;

constexpr int kPagesMax = 5;  // of kPageMax runs: how far back a branch is walked
constexpr std::size_t kShortSha = 12;

// What two failures are compared by.
struct Sign {
  std::string first_cause;
  std::string signature;  // of the error that the run itself named; empty for none
};

std::string signature_of_run(store::ReadTx& tx, const store::Run& run) {
  for (const store::Job& job : store::jobs_of_run(tx, run.id)) {
    if (job.verdict == RunVerdict::pass) continue;
    const auto stored = store::find_report(tx, job.id);
    if (!stored) continue;
    const json report = json::parse(stored->report_json, nullptr, false);
    if (!report.is_object() || !report.contains("summary") || !report["summary"].is_object()) continue;
    const std::string signature = contract::signature_of(report["summary"].value("symptom", ""));
    if (!signature.empty()) return signature;
  }
  return "";
}

// Of an earlier run, whose signature was stored with its verdict.
Sign sign_of(store::ReadTx& tx, const store::Run& run) {
  Sign sign{run.first_cause, ""};
  if (const auto stored = store::find_blame(tx, run.id)) {
    const json blame = json::parse(*stored, nullptr, false);
    if (blame.is_object()) sign.signature = blame.value("signature", "");
  }
  return sign;
}

bool alike(const Sign& a, const Sign& b) {
  return (!a.first_cause.empty() && a.first_cause == b.first_cause) ||
         (!a.signature.empty() && a.signature == b.signature);
}

bool failed_alike(store::ReadTx& tx, const store::Run& run, const Sign& sign) {
  return run.verdict && *run.verdict != RunVerdict::pass && alike(sign_of(tx, run), sign);
}

// Ended by a host, or by a repository that could not be read: it says nothing of the commit.
bool is_of_the_hosts(const store::Run& run) {
  constexpr std::array<std::string_view, 6> kCauses = {"runner_lost",        "runner_error",   "checkout_failed",
                                                       "source_unavailable", "judging_failed", "emulated"};
  return std::find(kCauses.begin(), kCauses.end(), run.first_cause) != kCauses.end();
}

// The newest run of the base commit that has a verdict of it.
std::optional<store::Run> base_run(store::ReadTx& tx, const store::Run& run) {
  const CommitSha& base = run.policy_sha.empty() ? run.base_sha : run.policy_sha;
  if (base.empty() || base == run.head_sha) return std::nullopt;
  std::optional<store::Run> found;
  for (const store::HeadRun& one : store::runs_of_head(tx, run.repository, base))
    if (one.run.verdict && !is_of_the_hosts(one.run)) found = one.run;
  return found;
}

// Back along the base's branch from its run on, to the oldest of those that failed alike without a break. Runs without
// a verdict of the commit break nothing.
store::Run first_alike(store::ReadTx& tx, const store::Run& base, const Sign& sign) {
  store::Run oldest = base;
  const store::RunFilter filter{base.repository, base.branch, std::nullopt, std::nullopt};
  std::optional<RunId> before = base.id;
  for (int page = 0; page < kPagesMax && before; ++page) {
    const store::RunPage runs = store::list_runs(tx, filter, before, store::kPageMax);
    for (const store::RunSummary& one : runs.runs) {
      if (!one.run.verdict || is_of_the_hosts(one.run)) continue;
      if (!failed_alike(tx, one.run, sign)) return oldest;
      oldest = one.run;
    }
    before = runs.next;
  }
  return oldest;
}

// The same commit, judged otherwise: before this re-run, or in another run of it.
json other_verdict(store::ReadTx& tx, const store::Run& run) {
  const auto differs = [&](const std::optional<RunVerdict>& verdict) {
    return verdict && *verdict != *run.verdict &&
           (*verdict == RunVerdict::pass || (*run.verdict == RunVerdict::pass && *verdict == RunVerdict::fail));
  };
  const auto entry = [](RunVerdict verdict, const RunId& id, std::int64_t at_ms) {
    return json{{"verdict", to_string(verdict)}, {"run", id.value}, {"at", to_rfc3339(at_ms)}};
  };
  const std::vector<store::PastVerdict> past = store::past_verdicts(tx, run.id);
  for (auto one = past.rbegin(); one != past.rend(); ++one)
    if (differs(one->verdict)) return entry(one->verdict, run.id, one->ended_ms);
  for (const store::HeadRun& one : store::runs_of_head(tx, run.repository, run.head_sha))
    // Against another base another policy may hold: only the same policy makes it the same question.
    if (one.run.id != run.id && one.run.policy_digest == run.policy_digest && differs(one.run.verdict))
      return entry(*one.run.verdict, one.run.id, one.run.ended_ms.value_or(one.run.updated_ms));
  return nullptr;
}

std::string text_of(const store::Run& run, const json& blame) {
  std::string text;
  if (!blame["flaky"].is_null())
    text = fmt::format("The same commit was judged otherwise before: {} at {}. It is flaky, or its hosts differ.",
                       blame["flaky"]["verdict"].get<std::string>(), blame["flaky"]["at"].get<std::string>());
  if (*run.verdict == RunVerdict::pass || blame["base"].is_null()) return text;
  if (!text.empty()) text += " ";
  const json& base = blame["base"];
  const std::string commit = base["commit"].get<std::string>().substr(0, kShortSha);
  if (!base["alike"].get<bool>())
    return text + fmt::format("The base {} did not fail alike ({}): this change brought it.", commit,
                              base["verdict"].get<std::string>());
  return text + fmt::format("The base {} already failed alike, since {} ({}).", commit,
                            blame["since"]["commit"].get<std::string>().substr(0, kShortSha),
                            blame["since"]["at"].get<std::string>());
}

}  // namespace

std::optional<std::string> blame_of(store::ReadTx& tx, const RunId& id) {
  const store::Run run = store::find_run(tx, id).value();
  if (!run.verdict) return std::nullopt;
  const bool passed = *run.verdict == RunVerdict::pass;
  json blame = {{"base", nullptr}, {"since", nullptr}, {"flaky", other_verdict(tx, run)}, {"signature", ""}};
  if (passed && blame["flaky"].is_null()) return std::nullopt;
  const Sign sign{run.first_cause, passed ? "" : signature_of_run(tx, run)};
  blame["signature"] = sign.signature;
  if (const auto base = base_run(tx, run); base && !passed && !is_of_the_hosts(run)) {
    const bool same = failed_alike(tx, *base, sign);
    blame["base"] = {{"commit", base->head_sha.value},
                     {"run", base->id.value},
                     {"verdict", to_string(*base->verdict)},
                     {"alike", same}};
    if (same) {
      const store::Run first = first_alike(tx, *base, sign);
      blame["since"] = {{"commit", first.head_sha.value},
                        {"run", first.id.value},
                        {"at", to_rfc3339(first.ended_ms.value_or(first.updated_ms))}};
    }
  }
  blame["text"] = text_of(run, blame);
  return blame.dump();
}

void note_blame(store::Tx& tx, const RunId& run) { store::save_blame(tx, run, blame_of(tx, run)); }

}  // namespace smgate::verdict
