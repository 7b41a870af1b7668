// From rows to calls: each change of a run is told once, on the commit that it is of.
#include "server/reporter/reporter.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/store/actions.hpp"
#include "server/store/outbox.hpp"
#include "server/verdict/verdict.hpp"
#include "tests/store/rows.hpp"

namespace smgate::reporter {
namespace {

using nlohmann::json;
using store::RunVerdict;

struct Reporter : testing::Test, test::Rows {
  std::int64_t seen = 0;

  // What is written for all marks that wait; "name status conclusion generation".
  std::vector<std::string> report(bool enabled = true) {
    while (write([&](store::Tx& tx) { return report_next(tx, {enabled, ""}, now_ms); })) continue;
    std::vector<store::Call> calls = store.read([](store::ReadTx& tx) { return store::list_calls(tx, {}, {}, 100); });
    std::vector<std::string> told;
    for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
      if (call->seq <= seen) continue;
      seen = call->seq;
      const json body = json::parse(call->body, nullptr, false);
      std::string line = call->kind == store::CallKind::set_check ? body.value("name", "?") : "annotations";
      line += " " + body.value("status", "") + " " + body.value("conclusion", "");
      told.push_back(line + " " + call->external_id.substr(call->external_id.rfind(':') + 1));
    }
    return told;
  }
  void judge(const JobId& id, RunVerdict verdict, const std::string& report = "{}") {
    end(lease(id, "r1"), protocol::JobOutcome::completed);
    store::JobVerdict judged;
    judged.verdict = verdict;
    judged.first_cause = verdict == RunVerdict::pass ? "" : "prewarm_missing";
    judged.facts_json = "{}";
    judged.report_json = report;
    const int attempt = job(id).attempt;
    write([&](store::Tx& tx) { return store::judge_job(tx, id, attempt, judged, now_ms); });
    const auto ended = store.read([](store::ReadTx& tx) { return verdict::load_ended_run(tx); });
    if (ended) write([&](store::Tx& tx) { return verdict::finish_run(tx, verdict::judge(*ended, {true}), now_ms); });
  }
  using Told = std::vector<std::string>;
};

TEST_F(Reporter, TellsEachChangeOnceFromQueuedToCompleted) {
  const RunId id = make_run();
  EXPECT_EQ(report(), Told{"smgate queued  1"});
  start(id, {"sm_89"});
  EXPECT_EQ(report(), (Told{"smgate queued  1", "smgate / sm_89 queued  1"})) << "the title says what it waits for";
  EXPECT_EQ(report(), Told{}) << "nothing has changed";
  const protocol::Assign assign = lease(jobs(id).front().id, "r1");
  EXPECT_EQ(report(), (Told{"smgate in_progress  1", "smgate / sm_89 in_progress  1"}));
  end(assign, protocol::JobOutcome::lost);
  EXPECT_EQ(report(), (Told{"smgate in_progress  1", "smgate / sm_89 in_progress  1"})) << "another attempt waits";
  judge(assign.job, RunVerdict::pass);
  EXPECT_EQ(report(), (Told{"smgate completed success 1", "smgate / sm_89 completed success 1"}));
}

TEST_F(Reporter, BeginsAnotherCheckRunForARerun) {
  const RunId id = make_run();
  start(id, {"sm_89"});
  judge(jobs(id).front().id, RunVerdict::fail);
  report();
  write([&](store::Tx& tx) { return store::rerun_run(tx, id, "ada", now_ms); });
  EXPECT_EQ(report(), (Told{"smgate queued  2", "smgate / sm_89 queued  2"}));
  judge(jobs(id).front().id, RunVerdict::pass);
  EXPECT_EQ(report(), (Told{"smgate completed success 2", "smgate / sm_89 completed success 2"}));
}

TEST_F(Reporter, LeavesTheCheckOfAnArchitectureThatDoesNotRunAgain) {
  const RunId id = make_run();
  start(id, {"sm_121", "sm_89"});
  for (const store::Job& one : jobs(id)) judge(one.id, RunVerdict::fail);
  report();
  write([&](store::Tx& tx) { return store::rerun_job(tx, id, Arch{"sm_121"}, "ada", now_ms); });
  EXPECT_EQ(report(), (Told{"smgate in_progress  2", "smgate / sm_121 queued  2"}));
}

TEST_F(Reporter, SendsAnnotationsOnceForACheckRun) {
  json notes = json::array();
  for (int line = 1; line <= 60; ++line)
    notes.push_back({{"clause", "KC-2"},
                     {"kind", "missing"},
                     {"message", "m"},
                     {"evidence", {{{"source", "self"}, {"at", "a.cpp:" + std::to_string(line)}}}}});
  const RunId id = make_run();
  start(id, {"sm_89"});
  judge(jobs(id).front().id, RunVerdict::fail, json{{"findings", notes}}.dump());
  EXPECT_EQ(report(), (Told{"smgate completed failure 1", "smgate / sm_89 completed failure 1", "annotations   1",
                            "annotations   1"}));
  write([&](store::Tx& tx) { store::mark_head(tx, {"acme/kernels", test::sha('a')}); });
  EXPECT_EQ(report(), Told{});
}

TEST_F(Reporter, ClosesChecksOfACancelledRun) {
  const RunId id = make_run();
  start(id, {"sm_89"});
  lease(jobs(id).front().id, "r1");
  report();
  write([&](store::Tx& tx) { return store::cancel_run(tx, id, "ada", now_ms); });
  EXPECT_EQ(report(), (Told{"smgate completed cancelled 1", "smgate / sm_89 completed cancelled 1"}));
}

TEST_F(Reporter, ClosesAnArchitectureThatTheDecidingRunDoesNotHave) {
  const RunId first = make_run('a', 'b');
  start(first, {"sm_89"});
  report();
  const RunId second = make_run('a', 'c', "dev");
  judge(jobs(first).front().id, RunVerdict::pass);
  EXPECT_EQ(report(), (Told{"smgate queued  1", "smgate / sm_89 completed cancelled 1"})) << "the second one decides";
  start(second, {"sm_121"});
  judge(jobs(second).front().id, RunVerdict::fail);
  EXPECT_EQ(report(), (Told{"smgate completed failure 1", "smgate / sm_121 completed failure 1"}));
}

TEST_F(Reporter, AnswersAQuestionWithAComment) {
  make_run();
  report();
  write([](store::Tx& tx) {
    store::ask_for_explanation(tx, {DeliveryId{"d-9"}, "acme/kernels", 7, test::sha('a'), "ada"});
  });
  report();
  const auto call = store.read([](store::ReadTx& tx) { return store::list_calls(tx, {}, {}, 1).front(); });
  EXPECT_EQ(call.kind, store::CallKind::create_comment);
  EXPECT_EQ(call.external_id, "d-9");
  EXPECT_EQ(json::parse(call.body)["issue_number"], 7);
}

TEST_F(Reporter, WritesNothingWhereGitHubIsNotSetUp) {
  make_run();
  EXPECT_EQ(report(false), Told{});
  EXPECT_EQ(report(true), Told{}) << "and keeps no marks";
}

}  // namespace
}  // namespace smgate::reporter
