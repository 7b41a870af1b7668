// What holds for any run: KC-2 is set inclusion, the order of unrelated events changes nothing, merging is by time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "common/contract/compare.hpp"
#include "common/contract/fold.hpp"
#include "common/contract/judge.hpp"
#include "common/random.hpp"

namespace smgate::contract {
namespace {

class Stream {
 public:
  explicit Stream(std::uint64_t pid) : pid_(pid) {}
  Stream& add(EventBody body) {
    const std::uint64_t seq = events.size();
    events.push_back({seq, 10 * seq, pid_, 0, Source::self, std::move(body)});
    return *this;
  }
  std::vector<Event> events;

 private:
  std::uint64_t pid_;
};

struct RandomRun {
  std::set<std::string> warmed, used;
  std::vector<Event> events;
};

RandomRun random_run(Random& random, std::uint64_t pid) {
  RandomRun run;
  Stream stream(pid);
  stream.add(RunStart{"w", "", "{}", "sm_89", "", true, true, ""}).add(PrewarmBegin{"s", "c", ""});
  for (std::uint64_t i = random.below(20); i > 0; --i) {
    const std::string key =
        "k" + std::string(1, static_cast<char>('a' + random.below(26))) + "_" + std::to_string(random.below(3));
    stream.add(Offer{"s", "c", key, "body-" + key, ""});
    if (run.warmed.insert(key).second) stream.add(Compile{"c", key, "body-" + key, "sm_89", 1, 1.0, true, "", ""});
  }
  stream.add(PrewarmEnd{"s", "c", std::nullopt, ""});
  std::set<std::string> present = run.warmed;
  for (std::uint64_t i = random.below(30); i > 0; --i) {
    const std::string key =
        "k" + std::string(1, static_cast<char>('a' + random.below(26))) + "_" + std::to_string(random.below(3));
    run.used.insert(key);
    const bool hit = !present.insert(key).second;
    stream.add(Lookup{"s", "c", key, "body-" + key, hit, ""});
    if (!hit) stream.add(Compile{"c", key, "body-" + key, "sm_89", 1, 1.0, true, "", ""});
  }
  stream.add(RunEnd{"ok", ""});
  run.events = stream.events;
  return run;
}

std::multiset<std::string> keys_of(const Report& report, const std::string& clause) {
  std::multiset<std::string> keys;
  for (const Finding& finding : report.findings)
    if (finding.clause == clause) keys.insert(finding.key);
  return keys;
}

Report judge_events(const std::vector<Event>& events) {
  Facts facts;
  for (const Event& event : events) fold(facts, event);
  return judge(facts, {});
}

TEST(Kc2, EqualsSetInclusion) {
  SeededRandom random(1);
  for (int round = 0; round < 200; ++round) {
    const RandomRun run = random_run(random, 1);
    std::multiset<std::string> missed;
    for (const std::string& key : run.used)
      if (!run.warmed.contains(key)) missed.insert(key);
    const Report report = judge_events(run.events);
    EXPECT_EQ(keys_of(report, "KC-2"), missed);
    EXPECT_EQ(keys_of(report, "KC-3"), missed);
    EXPECT_EQ(report.unexplained(), 1U);  // that no step was reported
  }
}

// Two processes, their events interleaved at random.
TEST(Fold, GivesTheSameAnswerForAnyOrderOfUnrelatedEvents) {
  SeededRandom random(2);
  for (int round = 0; round < 50; ++round) {
    const std::vector<Event> a = random_run(random, 1).events, b = random_run(random, 2).events;
    std::vector<Event> in_turn = a, shuffled;
    in_turn.insert(in_turn.end(), b.begin(), b.end());
    for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
      const bool first = j == b.size() || (i < a.size() && random.below(2) == 0);
      shuffled.push_back(first ? a[i++] : b[j++]);
    }
    Facts one, other;
    for (const Event& event : in_turn) fold(one, event);
    for (const Event& event : shuffled) fold(other, event);
    EXPECT_EQ(one, other);
  }
}

// A key that another architecture does not use is a finding, and nothing else is.
TEST(Kc8, EqualsSymmetricDifference) {
  SeededRandom random(5);
  for (int round = 0; round < 100; ++round) {
    const RandomRun a = random_run(random, 1), b = random_run(random, 1);
    Facts left, right;
    for (const Event& event : a.events) fold(left, event);
    for (const Event& event : b.events) fold(right, event);
    std::multiset<std::string> lone;
    std::set_symmetric_difference(a.used.begin(), a.used.end(), b.used.begin(), b.used.end(),
                                  std::inserter(lone, lone.end()));
    const Report report = compare({{"sm_89", &left, nullptr}, {"sm_121", &right, nullptr}}, {});
    if (a.used.empty() || b.used.empty())
      EXPECT_EQ(report.verdict, Verdict::inconclusive);
    else
      EXPECT_EQ(keys_of(report, "KC-8"), lone);
  }
}

// Which architecture is named first changes nothing.
TEST(Compare, IsTheSameInAnyOrder) {
  SeededRandom random(6);
  for (int round = 0; round < 50; ++round) {
    Facts left, right;
    for (const Event& event : random_run(random, 1).events) fold(left, event);
    for (const Event& event : random_run(random, 1).events) fold(right, event);
    const ArchFacts a{"sm_89", &left, nullptr}, b{"sm_121", &right, nullptr};
    const Report one = compare({a, b}, {}), other = compare({b, a}, {});
    EXPECT_EQ(one.verdict, other.verdict);
    EXPECT_EQ(keys_of(one, "KC-8"), keys_of(other, "KC-8"));
  }
}

TEST(Fold, KeepsCachesOfProcessesApart) {
  Stream warm(1), cold(2);
  for (Stream* stream : {&warm, &cold})
    stream->add(RunStart{"w", "", "{}", "sm_89", "", true, true, ""}).add(PrewarmBegin{"s", "c", ""});
  warm.add(Offer{"s", "c", "silu", "b", ""});
  for (Stream* stream : {&warm, &cold}) stream->add(PrewarmEnd{"s", "c", std::nullopt, ""});
  cold.add(Lookup{"s", "c", "silu", "b", false, ""});
  std::vector<Event> events = warm.events;
  events.insert(events.end(), cold.events.begin(), cold.events.end());
  EXPECT_THAT(keys_of(judge_events(events), "KC-2"), testing::ElementsAre("silu"));
}

TEST(Fold, NoticesEventsMissingFromTheNumbering) {
  SeededRandom random(3);
  RandomRun run = random_run(random, 1);
  run.events.erase(run.events.begin() + 1);
  const Report report = judge_events(run.events);
  EXPECT_EQ(report.clauses.front().outcome, Outcome::inconclusive);
  EXPECT_THAT(report.clauses.front().reason, testing::HasSubstr("missing from its numbering"));
}

TEST(Fold, ALineThatCannotBeReadForbidsAPass) {
  Facts facts;
  fold_unreadable(facts, Error{"not JSON", "a.jsonl:3", ""});
  EXPECT_EQ(facts.first_unreadable, "a.jsonl:3: not JSON");
  EXPECT_NE(judge(facts, {}).verdict, Verdict::pass);
}

TEST(Judge, NothingAtAllIsInconclusive) {
  const Report report = judge(Facts{}, {});
  EXPECT_EQ(report.verdict, Verdict::inconclusive);
  EXPECT_TRUE(report.findings.empty());
}

TEST(Judge, LeavesAContractThatNoStageFeedsAside) {
  SeededRandom random(4);
  Policy policy;
  policy.judge_distillation = false;
  Facts facts;
  for (const Event& event : random_run(random, 1).events) fold(facts, event);
  for (const ClauseResult& clause : judge(facts, policy).clauses) {
    const bool needs_more_runs = clause.id == "KC-8" || clause.id == "KC-9";
    EXPECT_EQ(clause.outcome == Outcome::not_applicable, needs_more_runs || clause.id.starts_with("DS")) << clause.id;
  }
}

TEST(Merge, OrdersByTimeThenFileAndKeepsTheOrderOfAFile) {
  const auto source = [](std::vector<std::uint64_t> times, std::uint64_t pid) -> EventSource {
    return [times = std::move(times), pid, i = std::size_t{0}]() mutable -> std::optional<Event> {
      if (i == times.size()) return std::nullopt;
      return Event{i, times[i++], pid, 0, Source::self, Note{}};
    };
  };
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen;
  merge({source({5, 3, 9}, 1), source({4, 5, 6}, 2)},
        [&](const Event& event) { seen.emplace_back(event.pid, event.seq); });
  using Pair = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_THAT(seen, testing::ElementsAre(Pair(2, 0), Pair(1, 0), Pair(1, 1), Pair(2, 1), Pair(2, 2), Pair(1, 2)));
}

}  // namespace
}  // namespace smgate::contract
