// Several speak of one run: the workload, the runner, an adapter of its log, a probe. Who is believed in what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/contract/event.hpp"
#include "common/contract/fold.hpp"
#include "common/contract/judge.hpp"
#include "tests/contract/cases.hpp"

namespace smgate::contract {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kRunnerPid = 999;

std::vector<Event> events_of_case(const std::string& name) {
  for (const Case& one : cases())
    if (one.name == name) return events_of(one.lines);
  ADD_FAILURE() << "no case " << name;
  return {};
}

// What the runner says first of every stage that it starts.
Event attestation() {
  RunStart start;
  start.arch = "sm_89";
  start.device = "case";
  start.emulated = start.cold = true;
  return {0, 0, kRunnerPid, 0, Source::runner, start};
}

Report judged(std::vector<Event> events) {
  events.insert(events.begin(), attestation());
  return judge(fold_all(events), {});
}

ClauseResult clause(const Report& report, const std::string& id) {
  const auto found =
      std::find_if(report.clauses.begin(), report.clauses.end(), [&](const auto& one) { return one.id == id; });
  return found == report.clauses.end() ? ClauseResult{} : *found;
}

TEST(Witnesses, TheRunnersAttestationChangesNoVerdict) {
  EXPECT_EQ(judged(events_of_case("healthy")).verdict, Verdict::pass);
}

TEST(Witnesses, AWorkloadsOwnDiskCacheOutweighsTheRunnersColdStart) {
  const Report report = judged(events_of_case("not_attested_cold"));
  EXPECT_EQ(clause(report, "KC-1").outcome, Outcome::inconclusive);
  EXPECT_THAT(clause(report, "KC-1").reason, HasSubstr("disk cache"));
  EXPECT_EQ(report.summary.cold, false);
}

TEST(Witnesses, OneWhoSaysThatTheDeviceIsEmulatedIsEnough) {
  std::vector<Event> events = events_of_case("healthy");
  std::get<RunStart>(events[0].body).emulated.reset();
  EXPECT_EQ(judged(events).summary.emulated, true) << "the runner says so";
  std::get<RunStart>(events[0].body).emulated = false;
  EXPECT_EQ(judged(events).summary.emulated, true);
}

TEST(Witnesses, AWarmCacheIsNotForgottenWhenAProcessStartsTwice) {
  for (const bool warm_first : {true, false}) {
    std::vector<Event> events = events_of_case("healthy");
    Event probe = events[0];
    probe.source = Source::probe;
    std::get<RunStart>(probe.body).cold = !warm_first;
    std::get<RunStart>(events[0].body).cold = warm_first;
    events.insert(events.begin() + (warm_first ? 0 : 1), probe);
    EXPECT_EQ(clause(judged(events), "KC-1").outcome, Outcome::inconclusive) << warm_first;
  }
}

TEST(Witnesses, TheWorkloadsStartCountsThoughAProbeSpokeFirst) {
  std::vector<Event> events = events_of_case("healthy");
  Event probe = events[0];
  probe.source = Source::probe;
  std::get<RunStart>(probe.body).arch = "sm_1";
  events.insert(events.begin(), probe);
  EXPECT_EQ(judged(events).summary.arch, "sm_89");
}

TEST(Witnesses, RoundedLossesOfALogAreNoRepeatWhoeverElseSpeaks) {
  std::vector<Event> events = events_of_case("loss_repeats");
  EXPECT_EQ(clause(judged(events), "DS-2").outcome, Outcome::fail);
  for (Event& event : events) event.source = Source::adapter;
  const Report report = judged(events);
  EXPECT_EQ(clause(report, "DS-2").outcome, Outcome::pass) << clause(report, "DS-2").reason;
  EXPECT_THAT(report.warnings, testing::Contains(testing::Field(&Warning::kind, "loss_repeats")));
}

// --- checkpoints

constexpr const char* kCheckpoint = "out.safetensors";  // of the cases

// What the runner says after the stage, of the file that the workload reported.
Checkpoint seen_by_runner() {
  Checkpoint seen;
  seen.path = kCheckpoint;
  seen.claimed_container = seen.container = "safetensors";
  seen.bytes = 4096;
  seen.whole = seen.finite = true;
  seen.tensors = 3;
  return seen;
}

Report judged_with(const Checkpoint& seen, const std::string& name = "healthy") {
  std::vector<Event> events = events_of_case(name);
  events.push_back({1, 1'000'000, kRunnerPid, 0, Source::runner, seen});
  return judged(events);
}

std::vector<std::string> kinds(const Report& report) {
  std::vector<std::string> all;
  for (const Finding& finding : report.findings) all.push_back(finding.kind);
  return all;
}

TEST(Checkpoints, AreAsTheWorkloadSaysWhereTheRunnerSawTheSame) {
  const Report report = judged_with(seen_by_runner());
  EXPECT_EQ(report.verdict, Verdict::pass) << clause(report, "DS-5").reason;
  EXPECT_EQ(report.warnings, std::vector<Warning>{});
}

TEST(Checkpoints, AreJudgedByWhatTheRunnerSawAndTheOtherWordIsAFinding) {
  Checkpoint nan = seen_by_runner(), cut = seen_by_runner(), other = seen_by_runner();
  nan.finite = false;
  cut.whole = false;
  cut.finite.reset();
  cut.text = "a tensor lies outside of the file";
  other.container = "apr";
  EXPECT_THAT(kinds(judged_with(nan)), testing::ElementsAre("claim_differs", "not_finite"));
  EXPECT_THAT(kinds(judged_with(cut)), testing::ElementsAre("claim_differs", "checkpoint_broken"));
  EXPECT_THAT(kinds(judged_with(other)), testing::ElementsAre("claim_differs", "container_mismatch"));
}

TEST(Checkpoints, ThatOnlyTheWorkloadCallsBrokenAreAFindingToo) {
  EXPECT_THAT(kinds(judged_with(seen_by_runner(), "checkpoint_not_finite")), testing::ElementsAre("claim_differs"));
}

TEST(Checkpoints, OfAnotherSizeThanTheWorkloadSaidAreAWarning) {
  Checkpoint larger = seen_by_runner();
  larger.bytes = 5000;
  const Report report = judged_with(larger);
  EXPECT_EQ(report.verdict, Verdict::pass);
  ASSERT_THAT(report.warnings, testing::ElementsAre(testing::Field(&Warning::kind, "size_differs")));
  EXPECT_THAT(report.warnings[0].message, HasSubstr("has 5000 bytes; the workload said 4096"));
}

TEST(Checkpoints, ThatAreGoneAreMissingWhateverTheWorkloadSays) {
  Checkpoint gone = seen_by_runner();
  gone.container = "none";
  gone.bytes = 0;
  gone.whole.reset();
  gone.finite.reset();
  EXPECT_THAT(kinds(judged_with(gone)), testing::ElementsAre("checkpoint_missing"));
}

TEST(Checkpoints, ThatTheRunnerMayNotReadAreLeftOpen) {
  Checkpoint outside;
  outside.path = kCheckpoint;
  outside.text = "it lies outside of the job's folders";
  EXPECT_EQ(clause(judged_with(outside), "DS-5").outcome, Outcome::inconclusive);
  EXPECT_THAT(clause(judged_with(outside), "DS-5").reason, HasSubstr("outside"));
}

TEST(Checkpoints, WhoseValuesTheRunnerDoesNotReadAreTheWorkloadsToVouchFor) {
  Checkpoint packed = seen_by_runner();
  packed.finite.reset();
  packed.text = "whether quantised values are finite is not read here";
  EXPECT_EQ(clause(judged_with(packed), "DS-5").outcome, Outcome::pass);
}

// --- memory

// The case as it is, or of a workload that calls its device's memory unified; and what the runner says of the host.
std::vector<Event> with_memory(const std::string& name, bool workload_says_unified, const Memory& host) {
  std::vector<Event> events = events_of_case(name);
  for (Event& event : events)
    if (Memory* memory = std::get_if<Memory>(&event.body)) memory->unified = workload_says_unified;
  events.push_back({1, 0, kRunnerPid, 0, Source::runner, host});
  return events;
}

TEST(UnifiedMemory, IsWhatTheHostCanGiveNotWhatTheDriverSays) {
  EXPECT_THAT(kinds(judged(events_of_case("payload_over_memory"))), testing::ElementsAre("payload_over_free_memory"));
  EXPECT_EQ(judged(with_memory("payload_over_memory", false, {3'000'000'000, 4'000'000'000, true})).verdict,
            Verdict::pass);
}

TEST(UnifiedMemory, ThatTheHostCannotGiveIsMissedWhateverTheWorkloadSays) {
  const Memory full{2'004'000, 24'000'000'000, true};  // the healthy run declares 2 MB; its modules take 6 kB
  EXPECT_THAT(kinds(judged(with_memory("healthy", false, full))), testing::ElementsAre("payload_over_free_memory"));
}

TEST(UnifiedMemory, IsTheHostsWhereTheWorkloadAloneCallsItUnified) {
  const Memory full{2'004'000, 24'000'000'000, false};  // the operator said nothing
  EXPECT_THAT(kinds(judged(with_memory("healthy", true, full))), testing::ElementsAre("payload_over_free_memory"));
}

TEST(HostMemory, IsNotTheDevicesWhereNobodyCallsItUnified) {
  EXPECT_EQ(judged(with_memory("healthy", false, {2'004'000, 24'000'000'000, false})).verdict, Verdict::pass);
  const Memory large{1ULL << 40U, 1ULL << 42U, false};
  EXPECT_THAT(kinds(judged(with_memory("workspace", false, large))), testing::ElementsAre("workspace_over_budget"));
  std::vector<Event> silent = with_memory("healthy", false, large);
  std::erase_if(silent, [](const Event& event) {
    return event.source == Source::self && std::holds_alternative<Memory>(event.body);
  });
  for (std::size_t i = 0; i + 1 < silent.size(); ++i) silent[i].seq = i;
  EXPECT_EQ(clause(judged(silent), "KC-7").outcome, Outcome::inconclusive);
}

TEST(Controls, AreAllNamedWhereNoneCanBeJudged) {
  for (CaseOfSeveral& one : cases_of("jobs")) {
    if (one.name != "controls_fail") continue;
    one.lines.erase("control:lr0");
    one.lines.erase("control:nan");
    const std::string reason = clause(judge_job(one), "DS-9").reason;
    EXPECT_THAT(reason, HasSubstr("`lr0`"));
    EXPECT_THAT(reason, HasSubstr("`nan`"));
    return;
  }
  FAIL() << "no such case";
}

}  // namespace
}  // namespace smgate::contract
