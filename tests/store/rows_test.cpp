#include "tests/store/rows.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "server/store/curves.hpp"
#include "server/store/deliveries.hpp"
#include "server/store/events.hpp"
#include "server/store/job_views.hpp"
#include "server/store/logs.hpp"
#include "server/store/retention.hpp"
#include "server/store/views.hpp"

namespace smgate::store {
namespace {

using test::Rows;

CurvePoint point(std::int64_t step, double loss) {
  CurvePoint made;
  made.step = step;
  made.loss = loss;
  return made;
}

struct OneJob : testing::Test, Rows {
  RunId run_id = make_run();
  JobId job_id;

  OneJob() {
    start(run_id, {"sm_89"});
    job_id = jobs(run_id).front().id;
  }
  LogRange log(std::uint64_t offset, std::uint64_t count) {
    const Job row = job(job_id);
    return store.read([&](ReadTx& tx) { return read_log(tx, row, 0, offset, count); });
  }
  void add_log(const std::string& bytes) {
    write([&](Tx& tx) { append_log(tx, find_job(tx, job_id).value(), {"smoke", bytes}, now_ms); });
  }
  void add_points(std::int64_t first, std::int64_t count) {
    std::vector<CurvePoint> points;
    for (std::int64_t i = first; i < first + count; ++i) points.push_back(point(i, 1.0 / static_cast<double>(i + 1)));
    write([&](Tx& tx) { append_points(tx, job_id, 0, points); });
  }
  std::vector<CurvePoint> curve(std::uint64_t first, std::size_t count) {
    const Job row = job(job_id);
    return store.read([&](ReadTx& tx) { return read_curve(tx, row, 0, first, count); });
  }
};

TEST(Deliveries, AreKnownWhenTheyComeAgain) {
  Rows rows;
  const Delivery first{DeliveryId{"d-1"}, "push", "{\"a\": 1}", 5};
  EXPECT_TRUE(rows.write([&](Tx& tx) { return insert_delivery(tx, first); }));
  EXPECT_FALSE(rows.write([&](Tx& tx) { return insert_delivery(tx, {first.id, "push", "{}", 6}); }));
  const auto pending = rows.store.read([](ReadTx& tx) { return oldest_pending_delivery(tx); });
  ASSERT_TRUE(pending);
  EXPECT_EQ(pending->payload, first.payload);
  rows.write([&](Tx& tx) { finish_delivery(tx, first.id, "done so", RunId{"r"}, 7); });
  EXPECT_FALSE(rows.store.read([](ReadTx& tx) { return oldest_pending_delivery(tx); }));
  const auto status = rows.store.read([&](ReadTx& tx) { return find_delivery(tx, first.id); });
  ASSERT_TRUE(status);
  EXPECT_EQ(status->outcome, "done so");
  EXPECT_EQ(status->run, RunId{"r"});
}

TEST(Curves, PackEveryValueBitByBit) {
  const std::vector<CurvePoint> points = {
      {0, 7.6746, 1.5F, 0.25F, 2.0F, 12.5F, 4096},
      {1, std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt},
      {2, -std::numeric_limits<double>::infinity(), std::nullopt, 1.0F, std::nullopt, 3.0F, std::nullopt}};
  EXPECT_EQ(unpack_points(pack_points(points)), points);
}

TEST(Curves, KeepALossThatIsNotANumber) {
  const auto points = unpack_points(pack_points({point(0, std::nan(""))}));
  ASSERT_TRUE(points.front().loss);
  EXPECT_TRUE(std::isnan(*points.front().loss));
}

TEST(Curves, AreLittleEndianWhateverTheMachine) {
  const std::string bytes = pack_points({point(0x0102, 1.0)});
  EXPECT_EQ(bytes.substr(0, 3), std::string("\x01\x02\x01", 3));
  EXPECT_EQ(bytes.substr(9, 8), std::string("\0\0\0\0\0\0\xF0\x3F", 8));
}

TEST_F(OneJob, MergesSmallAppendsIntoFullChunks) {
  for (std::int64_t first = 0; first < 5000; first += 250) add_points(first, 250);
  const auto chunks = store.read([&](ReadTx& tx) {
    Query row = tx.query("SELECT count(*), max(count) FROM curve_chunks WHERE job = ?1", job_id);
    row.step();
    return std::pair(row.get<int>(0), row.get<std::size_t>(1));
  });
  EXPECT_EQ(chunks, std::pair(3, kPointsPerChunk));
  EXPECT_EQ(curve(0, 10'000).size(), 5000U);
  EXPECT_EQ(curve(4990, 100).front().step, 4990);
  EXPECT_EQ(curve(2040, 20).back().step, 2059);
}

TEST_F(OneJob, FindsPointsByTheirSteps) {
  add_points(0, 5000);
  const auto found = [&](std::int64_t from, std::int64_t to) {
    return store.read([&](ReadTx& tx) {
      const Job job = find_job(tx, job_id).value();
      const PointRange range = find_points(tx, job, 0, from, to);
      std::vector<std::int64_t> steps;
      for_each_point(tx, job, 0, range, [&](const CurvePoint& one) { steps.push_back(one.step); });
      return std::tuple(range.first, range.end, steps.empty() ? -1 : steps.front(), steps.size());
    });
  };
  EXPECT_EQ(found(2040, 2059), std::tuple(2040U, 2060U, 2040, 20U));  // over the edge of a chunk
  EXPECT_EQ(found(2048, 2048), std::tuple(2048U, 2049U, 2048, 1U));
  EXPECT_EQ(found(0, 9999), std::tuple(0U, 5000U, 0, 5000U));
  EXPECT_EQ(found(7000, 8000), std::tuple(5000U, 5000U, -1, 0U));
}

TEST_F(OneJob, ReadsAnyRangeOfItsLog) {
  add_log("first line\n");
  add_log("second line\n");
  EXPECT_EQ(log(0, 1000).bytes, "first line\nsecond line\n");
  EXPECT_EQ(log(6, 11).bytes, "line\nsecond");
  EXPECT_EQ(log(11, 3).bytes, "sec");
  EXPECT_EQ(log(500, 3).bytes, "");
  EXPECT_EQ(log(500, 3).total, 23U);
}

TEST_F(OneJob, CutsALogThatIsTooLongAndSaysSo) {
  const std::string much(protocol::kItemDataBytesMax, 'x');
  for (std::uint64_t sent = 0; sent < kLogBytesMax + 2 * much.size(); sent += much.size()) add_log(much);
  const LogRange end = log(kLogBytesMax, 1000);
  EXPECT_NE(end.bytes.find("cut here"), std::string::npos);
  EXPECT_EQ(end.total, kLogBytesMax + end.bytes.size());
}

TEST_F(OneJob, LosesItsEventsAndItsLogSomeTimeAfterItsEndAndNothingElse) {
  const protocol::Assign assign = lease(job_id, "r1");
  add_log("first line\n");
  add_log("second line\n");
  write([&](Tx& tx) { append_events(tx, find_job(tx, job_id).value(), {"1.jsonl", "a\n"}, 0); });
  write([&](Tx& tx) { append_points(tx, job_id, assign.attempt, {point(1, 1.0)}); });
  const auto drop = [&](std::int64_t before_ms) {
    return write([&](Tx& tx) { return drop_oldest_raw(tx, before_ms, now_ms); });
  };
  EXPECT_FALSE(drop(now_ms + 1)) << "it runs";
  end(assign, protocol::JobOutcome::completed);
  EXPECT_FALSE(drop(now_ms + 1)) << "it waits for its verdict";
  write([&](Tx& tx) { return judge_job(tx, job_id, 1, {}, now_ms); });
  EXPECT_FALSE(drop(now_ms)) << "it is too young";
  EXPECT_EQ(drop(now_ms + 1), job_id);
  EXPECT_EQ(log(0, 1000).bytes.rfind("[this log was dropped on 2026-", 0), 0U) << log(0, 1000).bytes;
  EXPECT_EQ(log(0, 1000).bytes.size(), log(0, 1000).total);
  EXPECT_TRUE(store.read([&](ReadTx& tx) { return read_events(tx, job_id, 1); }).empty());
  EXPECT_EQ(curve(0, 10).size(), 1U);
  EXPECT_EQ(job(job_id).state, JobState::done);
  EXPECT_EQ(job(job_id).raw_dropped_ms, now_ms);
  EXPECT_FALSE(drop(now_ms + 1)) << "it has nothing more";
}

TEST_F(OneJob, JoinsTheEventsOfEachFileInTheirOrder) {
  write([&](Tx& tx) {
    const Job row = find_job(tx, job_id).value();
    append_events(tx, row, {"2.jsonl", "b1\n"}, 0);
    append_events(tx, row, {"1.jsonl", "a1\n"}, 1);
    append_events(tx, row, {"2.jsonl", "b2\n"}, 2);
  });
  const auto files = store.read([&](ReadTx& tx) { return read_events(tx, job_id, 0); });
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "1.jsonl");
  EXPECT_EQ(files[1].lines, "b1\nb2\n");
}

TEST_F(OneJob, IsAssignedWithAllThatARunnerNeeds) {
  const protocol::Assign assign = lease(job_id, "r1");
  EXPECT_EQ(assign.repository, "acme/kernels");
  EXPECT_EQ(assign.clone_url, "https://git.example/acme/kernels.git");
  EXPECT_EQ(assign.commit, test::sha('a'));
  EXPECT_EQ(assign.ref, "refs/heads/main");
  EXPECT_EQ(assign.attempt, 1);
  ASSERT_EQ(assign.stages.size(), 1U);
  EXPECT_EQ(assign.stages[0], (Stage{"smoke", {"./smoke"}, 60, {{"SEED", "1"}}, Feeds::both}));
  EXPECT_GE(assign.deadline_s, 60);
}

TEST_F(OneJob, IsLeasedOnce) {
  lease(job_id, "r1");
  const auto second =
      write([&](Tx& tx) { return lease_job(tx, job_id, RunnerName{"r2"}, false, 60'000, now_ms, random); });
  EXPECT_FALSE(second);
}

TEST_F(OneJob, IsTriedAgainWhenItsHostFailedUpToTheCap) {
  for (int attempt = 1; attempt < kAttemptCap; ++attempt)
    EXPECT_EQ(end(lease(job_id, "r1"), protocol::JobOutcome::lost), AttemptEnd::requeued);
  EXPECT_EQ(end(lease(job_id, "r1"), protocol::JobOutcome::checkout_failed), AttemptEnd::exhausted);
  EXPECT_EQ(job(job_id).state, JobState::done);
  EXPECT_EQ(job(job_id).verdict, RunVerdict::inconclusive);
  EXPECT_EQ(job(job_id).first_cause, "checkout_failed");
  EXPECT_EQ(run(run_id).state, RunState::deciding);
}

TEST_F(OneJob, EndsUnderItsOwnLeaseOnly) {
  protocol::Assign stale = lease(job_id, "r1");
  end(stale, protocol::JobOutcome::lost);
  lease(job_id, "r2");
  EXPECT_EQ(end(stale, protocol::JobOutcome::completed), AttemptEnd::none);
  EXPECT_EQ(job(job_id).state, JobState::leased);
}

TEST_F(OneJob, ReachesOneVerdict) {
  end(lease(job_id, "r1"), protocol::JobOutcome::completed);
  JobVerdict verdict;
  verdict.verdict = RunVerdict::pass;
  verdict.facts_json = verdict.report_json = "{}";
  EXPECT_TRUE(write([&](Tx& tx) { return judge_job(tx, job_id, 1, verdict, now_ms); }));
  verdict.verdict = RunVerdict::fail;
  EXPECT_FALSE(write([&](Tx& tx) { return judge_job(tx, job_id, 1, verdict, now_ms); }));
  EXPECT_EQ(job(job_id).verdict, RunVerdict::pass);
  EXPECT_EQ(run(run_id).state, RunState::deciding);
}

TEST_F(OneJob, KeepsItsStagesInTheOrderTheyBegan) {
  const protocol::StageEnd failed{"build", protocol::StageOutcome::failed, 2, 0, 1500};
  write([&](Tx& tx) {
    const Job row = find_job(tx, job_id).value();
    begin_stage(tx, row, "build", now_ms);
    end_stage(tx, row, failed, now_ms + 1500);
    end_stage(tx, row, {"smoke", protocol::StageOutcome::not_started, 0, 0, 0}, now_ms + 1500);
  });
  const auto stages = store.read([&](ReadTx& tx) { return stages_of_job(tx, job_id, 0); });
  ASSERT_EQ(stages.size(), 2U);
  EXPECT_EQ(stages[0].exit_code, 2);
  EXPECT_EQ(stages[0].began_ms, now_ms);
  EXPECT_EQ(stages[1].outcome, protocol::StageOutcome::not_started);
}

TEST(Runners, AreKnownByTheirTokenWhichIsNotStored) {
  Rows rows;
  const auto make = [&] {
    return rows.write([&](Tx& tx) { return create_runner_token(tx, RunnerName{"r1"}, Arch{"sm_89"}, 1, rows.random); });
  };
  const std::string old_token = make();
  const std::string token = make();
  const auto find = [&](const std::string& text) {
    return rows.store.read([&](ReadTx& tx) { return find_runner_by_token(tx, text); });
  };
  EXPECT_FALSE(find(old_token)) << "a new token ends the old one";
  ASSERT_TRUE(find(token));
  EXPECT_EQ(find(token)->name, RunnerName{"r1"});
  rows.write([&](Tx& tx) { return revoke_runner(tx, RunnerName{"r1"}); });
  EXPECT_FALSE(find(token));
}

TEST(ListRuns, PagesByCursorNewestFirst) {
  Rows rows;
  for (const char head : {'1', '2', '3', '4', '5'}) {
    ++rows.now_ms;
    rows.make_run(head);
  }
  const auto page = [&](const std::optional<RunId>& before) {
    return rows.store.read([&](ReadTx& tx) { return list_runs(tx, {}, before, 2); });
  };
  const RunPage first = page(std::nullopt);
  ASSERT_EQ(first.runs.size(), 2U);
  EXPECT_EQ(first.runs[0].run.head_sha, test::sha('5'));
  const RunPage last = page(page(first.next).next);
  ASSERT_EQ(last.runs.size(), 1U);
  EXPECT_EQ(last.runs[0].run.head_sha, test::sha('1'));
  EXPECT_FALSE(last.next);
}

TEST(ListRuns, FiltersByEachFieldAndByAllTogether) {
  Rows rows;
  rows.make_run('1', 'b', "main");
  const RunId wanted = rows.make_run('2', 'b', "dev");
  rows.write([&](Tx& tx) { return end_run(tx, wanted, RunVerdict::fail, "x", "y", rows.now_ms); });
  const auto found = [&](const RunFilter& filter) {
    const RunPage page = rows.store.read([&](ReadTx& tx) { return list_runs(tx, filter, std::nullopt, 10); });
    return page.runs.size() == 1 && page.runs[0].run.id == wanted;
  };
  EXPECT_TRUE(found({std::nullopt, "dev", std::nullopt, std::nullopt}));
  EXPECT_TRUE(found({std::nullopt, std::nullopt, "222", std::nullopt}));
  EXPECT_TRUE(found({std::nullopt, std::nullopt, std::nullopt, RunVerdict::fail}));
  EXPECT_TRUE(found({"acme/kernels", "dev", "22", RunVerdict::fail}));
  EXPECT_FALSE(found({"acme/other", std::nullopt, std::nullopt, std::nullopt}));
  EXPECT_FALSE(found({"acme/kernels", std::nullopt, std::nullopt, std::nullopt})) << "both are of that repository";
}

TEST(CountWork, CountsWhatWaits) {
  Rows rows;
  rows.start(rows.make_run('1'));
  rows.make_run('2');
  const Counts counts = rows.store.read([](ReadTx& tx) { return count_work(tx); });
  EXPECT_EQ(counts.queued_by_arch.at(Arch{"sm_121"}).count, 1);
  EXPECT_EQ(counts.queued_by_arch.at(Arch{"sm_121"}).oldest_ms, rows.now_ms);
  EXPECT_EQ(counts.runs_by_state.at("running"), 1);
  EXPECT_EQ(counts.runs_by_state.at("fetching"), 1);
}

TEST(ReadyCurve, IsThatOfTheAttemptThatWasJudged) {
  Rows rows;
  const RunId run = rows.make_run();
  rows.start(run);
  Job job = rows.jobs(run).front();
  rows.write([&](Tx& tx) { save_job_view(tx, job.id, 1, {{}, "{}", {7, "[]"}}); });
  const auto found = [&] { return rows.store.read([&](ReadTx& tx) { return find_ready_curve(tx, job); }); };
  job.attempt = 1;
  EXPECT_FALSE(found());  // it has no verdict
  job.verdict = RunVerdict::pass;
  ASSERT_TRUE(found());
  EXPECT_EQ(found()->total, 7U);
  job.attempt = 2;
  EXPECT_FALSE(found());
}

}  // namespace
}  // namespace smgate::store
