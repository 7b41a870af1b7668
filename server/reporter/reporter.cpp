#include "server/reporter/reporter.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/digest.hpp"
#include "server/reporter/render.hpp"
#include "server/store/check_names.hpp"
#include "server/store/outbox.hpp"
#include "server/store/reported_checks.hpp"

namespace smgate::reporter {
namespace {

using nlohmann::json;

constexpr std::size_t kCurvePointsMax = 4096;  // a row of bars has 60
constexpr std::size_t kShortSha = 12;

struct Reporting {
  store::Tx& tx;
  const Config& config;
  std::int64_t now_ms;
  store::Head head;
  std::vector<store::ReportedCheck> reported;
};

JobView load_job(store::ReadTx& tx, const store::Job& job) {
  JobView view{job, json(), store::read_curve(tx, job, 0, 0, kCurvePointsMax)};
  if (const auto report = store::find_report(tx, job.id))
    view.report = json::parse(report->report_json, nullptr, false);
  return view;
}

RunView load_run(store::ReadTx& tx, const store::Run& run, const Config& config) {
  RunView view;
  view.run = run;
  view.public_url = config.public_url;
  view.pictures = config.pictures;
  for (const store::Job& job : store::jobs_of_run(tx, run.id)) view.jobs.push_back(load_job(tx, job));
  if (run.state == store::RunState::done)
    if (const auto blame = store::find_blame(tx, run.id)) view.blame = json::parse(*blame, nullptr, false);
  return view;
}

const store::ReportedCheck* find(const Reporting& reporting, const std::string& name) {
  for (const store::ReportedCheck& one : reporting.reported)
    if (one.name == name) return &one;
  return nullptr;
}

std::string external_id(const store::ReportedCheck& check) {
  const auto arch = store::arch_of_check(check.name);
  return fmt::format("{}:{}:{}", check.head.sha.value.substr(0, kShortSha), arch ? arch->value : "gate",
                     check.generation);
}

void enqueue(const Reporting& reporting, const store::ReportedCheck& check, store::CallKind kind, json body,
             const RunView& view) {
  store::OutboundCall call;
  call.lane = store::check_lane(check.head.repository, check.head.sha, check.name);
  call.kind = kind;
  call.repository = check.head.repository;
  call.external_id = external_id(check);
  body["name"] = check.name;
  body["head_sha"] = check.head.sha.value;
  body["external_id"] = call.external_id;
  call.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  call.run = view.run.id;
  for (const JobView& one : view.jobs)
    if (store::check_name(one.job.arch) == check.name) call.job = one.job.id;
  store::enqueue_call(reporting.tx, call, reporting.now_ms);
}

void annotate(const Reporting& reporting, const store::ReportedCheck& reported, const Check& check,
              const RunView& view) {
  for (const json& batch : batches(check.annotations)) {
    json output = {{"title", check.title}, {"summary", check.body["output"]["summary"]}, {"annotations", batch}};
    if (check.body["output"].contains("text")) output["text"] = check.body["output"]["text"];
    enqueue(reporting, reported, store::CallKind::add_annotations, {{"output", std::move(output)}}, view);
  }
}

// Nothing where the check says the same already.
void write_check(const Reporting& reporting, const Check& check, const RunView& view) {
  const store::ReportedCheck* before = find(reporting, check.name);
  const bool completed = check.phase == Phase::completed;
  const bool opens_again = before != nullptr && before->completed && !completed;
  store::ReportedCheck now{reporting.head, check.name, before == nullptr ? 1 : before->generation,
                           completed,      false,      ""};
  if (opens_again) ++now.generation;
  now.annotated = before != nullptr && !opens_again && before->annotated;
  now.digest = sha256_hex(check.body.dump(-1, ' ', false, json::error_handler_t::replace));
  if (before != nullptr && !opens_again && before->digest == now.digest) return;
  enqueue(reporting, now, store::CallKind::set_check, check.body, view);
  if (completed && !now.annotated) {
    annotate(reporting, now, check, view);
    now.annotated = !check.annotations.empty();
  }
  store::save_reported_check(reporting.tx, now);
}

void write_all(const Reporting& reporting, const RunView& view) {
  const std::vector<Check> checks = render_checks(view);
  for (const Check& check : checks) write_check(reporting, check, view);
  for (const store::ReportedCheck& old : reporting.reported) {
    const bool kept = std::any_of(checks.begin(), checks.end(), [&](const Check& it) { return it.name == old.name; });
    if (!kept && !old.completed) write_check(reporting, render_dropped(old.name), view);
  }
}

void explain(store::Tx& tx, const Config& config, const store::Explanation& asked, std::int64_t now_ms) {
  const auto run = store::deciding_run(store::runs_of_head(tx, asked.repository, asked.head));
  if (!run) return;
  store::OutboundCall call;
  call.lane = fmt::format("comments/{}/{}", asked.repository, asked.pull_request);
  call.kind = store::CallKind::create_comment;
  call.repository = asked.repository;
  call.external_id = asked.delivery.value;
  call.body =
      json{{"issue_number", asked.pull_request}, {"body", explanation(load_run(tx, *run, config), asked.actor)}}.dump(
          -1, ' ', false, json::error_handler_t::replace);
  call.run = run->id;
  store::enqueue_call(tx, call, now_ms);
}

}  // namespace

bool report_next(store::Tx& tx, const Config& config, std::int64_t now_ms) {
  if (const auto asked = store::take_explanation(tx)) {
    if (config.enabled) explain(tx, config, *asked, now_ms);
    return true;
  }
  const std::optional<store::Head> head = store::take_marked_head(tx);
  if (!head) return false;
  if (!config.enabled) return true;
  const auto run = store::deciding_run(store::runs_of_head(tx, head->repository, head->sha));
  if (run) write_all({tx, config, now_ms, *head, store::reported_checks(tx, *head)}, load_run(tx, *run, config));
  return true;
}

}  // namespace smgate::reporter
