// What must hold at every step, and when all is quiet. Apart from the steps that it checks.
#include <map>

#include "tests/sim/world.hpp"

namespace smgate::sim {

std::int64_t World::count(store::Sql sql) {
  return store_.read([sql](store::ReadTx& tx) {
    store::Query row = tx.query(sql);
    row.step();
    return row.get<std::int64_t>(0);
  });
}

// The database itself writes down every verdict, whoever gives it.
void World::watch_verdicts() {
  store_.write([](store::Tx& tx) {
    tx.change("CREATE TABLE verdicts (subject TEXT PRIMARY KEY)");  // a second one breaks the key
    tx.change(
        "CREATE TRIGGER job_verdicts AFTER UPDATE OF verdict ON jobs WHEN new.verdict IS NOT NULL "
        "BEGIN INSERT INTO verdicts VALUES (new.id); END");
    tx.change(
        "CREATE TRIGGER run_verdicts AFTER UPDATE OF verdict ON runs WHEN new.verdict IS NOT NULL "
        "BEGIN INSERT INTO verdicts VALUES (new.id); END");
    tx.change(  // a re-run asks for another
        "CREATE TRIGGER jobs_again AFTER UPDATE OF verdict ON jobs WHEN new.verdict IS NULL "
        "BEGIN DELETE FROM verdicts WHERE subject = new.id; END");
    tx.change(
        "CREATE TRIGGER runs_again AFTER UPDATE OF verdict ON runs WHEN new.verdict IS NULL "
        "BEGIN DELETE FROM verdicts WHERE subject = new.id; END");
  });
}

void World::check_item(const protocol::Item& item, const session::ItemAnswer& answer) {
  if (answer.fate == session::ItemFate::refused) ++seen_.refused;
  if (answer.fate == session::ItemFate::duplicate) ++seen_.duplicates;
  if (answer.fate == session::ItemFate::gap) ++seen_.gaps;
  if (answer.end == store::AttemptEnd::requeued) ++seen_.requeued;
  if (answer.fate != session::ItemFate::stored) return;
  if (newest_lease_[item.job] != item.lease || ended_leases_.contains(item.lease))
    breach("an item under an old lease was stored: " + item.lease.value);
  if (std::holds_alternative<protocol::Finished>(item.body)) ended_leases_.insert(item.lease);
}

// What is judged is byte for byte what the runner had.
void World::check_events(const verdict::ReportedJob& reported) {
  const store::Run run = store_.read([&](store::ReadTx& tx) { return store::find_run(tx, reported.job.run).value(); });
  const Behaviour behaviour = github_.behaviour_of(run.head_sha.value);
  if (behaviour == Behaviour::build_fails) {
    if (!reported.events.empty()) breach("a build that failed has events");
    return;
  }
  if (reported.events.size() != 1 || reported.events[0].lines != events_of(behaviour, reported.job.arch))
    breach("the events of job " + reported.job.id.value + " are not what its runner sent");
}

void World::check_slots(const RunnerName& runner) {
  for (const Runner& one : runners_) {
    if (one.name() != runner) continue;
    const int held = store_.read([&](store::ReadTx& tx) { return store::jobs_held_by(tx, runner); });
    if (held > one.slots()) breach(runner.value + " holds more jobs than it has slots");
  }
}

// Judging is pure, so the same events are judged once a process: it is what takes long.
verdict::JudgedJob World::judge_once(const verdict::ReportedJob& reported) {
  static std::map<std::string, verdict::JudgedJob> known;
  std::string key = reported.policy_json + reported.job.outcome_text;
  for (const store::EventFile& file : reported.events) key += file.part + file.name + file.lines;
  for (const contract::FailureSign& sign : reported.earlier_failures) key += sign.signature + sign.missing_digest;
  const auto [found, is_new] = known.try_emplace(key);
  if (is_new) found->second = verdict::judge(reported);
  verdict::JudgedJob judged = found->second;
  judged.job = reported.job.id;
  judged.attempt = reported.job.attempt;
  return judged;
}

verdict::JudgedRun World::judge_once(const verdict::EndedRun& ended) {
  static std::map<std::string, verdict::JudgedRun> known;
  std::string key = ended.policy_json;
  for (const store::Job& job : ended.jobs)
    key += job.arch.value + std::string(store::to_string(job.verdict.value())) + job.first_cause + job.reason;
  for (const auto& [arch, facts] : ended.facts)
    key += facts.facts_json.value_or("-") + facts.base_facts_json.value_or("-");
  const auto [found, is_new] = known.try_emplace(key);
  if (is_new) found->second = verdict::judge(ended, {true});
  verdict::JudgedRun judged = found->second;
  judged.run = ended.run;
  return judged;
}

bool World::only_calls_wait() {
  return github_.quiet() && !fetching_ && !judged_ && !decided_ &&
         count("SELECT EXISTS (SELECT 1 FROM check_marks) OR EXISTS (SELECT 1 FROM explanations)") == 0 &&
         count("SELECT count(*) FROM deliveries WHERE state = 'pending'") == 0 &&
         count("SELECT count(*) FROM runs WHERE state IN ('fetching', 'running', 'deciding')") == 0 &&
         count("SELECT count(*) FROM jobs WHERE lease IS NOT NULL OR state = 'reported'") == 0;
}

bool World::quiet() {
  return only_calls_wait() && github_.lacks_nothing() &&
         count("SELECT count(*) FROM github_calls WHERE state = 'pending'") == 0;
}

}  // namespace smgate::sim
