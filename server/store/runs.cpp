#include "server/store/runs.hpp"

#include <nlohmann/json.hpp>

#include "common/random.hpp"
#include "server/store/gate_files.hpp"
#include "server/store/job_rows.hpp"
#include "server/store/run_rows.hpp"
#include "server/store/stages_text.hpp"

namespace smgate::store {
namespace {

BaseRule parse_base_rule(std::string_view text) {
  if (text == "exact") return BaseRule::exact;
  return text == "merge_base" ? BaseRule::merge_base : BaseRule::none;
}

std::vector<Arch> parse_required(const std::string& text) {
  std::vector<Arch> required;
  for (const nlohmann::json& arch : nlohmann::json::parse(text)) required.push_back(Arch{arch.get<std::string>()});
  return required;
}

std::string write_required(const std::vector<Arch>& required) {
  nlohmann::json all = nlohmann::json::array();
  for (const Arch& arch : required) all.push_back(arch.value);
  return all.dump();
}

void insert_job(Tx& tx, const RunId& run, const Arch& arch, const FetchedRun& fetched, std::int64_t now_ms,
                Random& random) {
  const std::string stages = save_text(tx, stages_to_text(fetched.stages));
  tx.change(
      "INSERT INTO jobs (id, run, arch, state, attempt_cap, stages_digest, adapter, queued_ms, ready_ms) "
      "VALUES (?1, ?2, ?3, 'queued', ?4, ?5, ?6, ?7, ?7)",
      JobId{make_ulid(now_ms, random)}, run, arch, kAttemptCap, stages, fetched.adapter, now_ms);
}

}  // namespace

std::string_view to_string(BaseRule rule) {
  switch (rule) {
    case BaseRule::exact:
      return "exact";
    case BaseRule::merge_base:
      return "merge_base";
    case BaseRule::none:
      break;
  }
  return "none";
}

Run read_run_row(const Query& row) {
  Run run;
  run.id = row.get<RunId>(0);
  run.repository = row.get<std::string>(1);
  run.head_sha = row.get<CommitSha>(2);
  run.base_sha = row.get<CommitSha>(3);
  run.base_rule = parse_base_rule(row.get<std::string>(4));
  run.branch = row.get<std::string>(5);
  run.ref = row.get<std::string>(6);
  run.pull_request = row.get<std::optional<std::int64_t>>(7);
  run.state = parse_run_state(row.get<std::string>(8));
  if (const auto verdict = row.get<std::optional<std::string>>(9)) run.verdict = parse_verdict(*verdict);
  run.first_cause = row.get<std::string>(10);
  run.reason = row.get<std::string>(11);
  run.bootstrap = row.get<bool>(12);
  run.policy_sha = row.get<CommitSha>(13);
  run.head_gate_digest = row.get<std::string>(14);
  run.base_gate_digest = row.get<std::string>(15);
  run.policy_digest = row.get<std::string>(16);
  run.required = parse_required(row.get<std::string>(17));
  run.fetch_attempts = row.get<int>(18);
  run.next_fetch_ms = row.get<std::int64_t>(19);
  run.created_ms = row.get<std::int64_t>(20);
  run.updated_ms = row.get<std::int64_t>(21);
  run.ended_ms = row.get<std::optional<std::int64_t>>(22);
  return run;
}

std::optional<Run> find_run(ReadTx& tx, const RunId& id) {
  Query row = tx.query("SELECT " SMGATE_RUN_COLUMNS " FROM runs WHERE id = ?1", id);
  if (!row.step()) return std::nullopt;
  return read_run_row(row);
}

std::optional<std::string> policy_of_run(ReadTx& tx, const RunId& id) {
  Query row = tx.query("SELECT text FROM runs JOIN texts ON digest = policy_digest WHERE id = ?1", id);
  if (!row.step()) return std::nullopt;
  return row.get<std::string>(0);
}

std::optional<Run> next_run_to_fetch(ReadTx& tx, std::int64_t now_ms, const std::set<std::string>& closed) {
  Query row =
      tx.query("SELECT " SMGATE_RUN_COLUMNS
               " FROM runs WHERE state = 'fetching' AND next_fetch_ms <= ?1 AND repository NOT IN (SELECT value "
               "FROM json_each(?2)) AND NOT EXISTS (SELECT 1 FROM repositories WHERE full_name = "
               "runs.repository AND access_retry_ms > ?1) ORDER BY next_fetch_ms, id LIMIT 1",
               now_ms, nlohmann::json(closed).dump());
  if (!row.step()) return std::nullopt;
  return read_run_row(row);
}

std::optional<std::int64_t> next_fetch_due_ms(ReadTx& tx) {
  Query row = tx.query("SELECT min(next_fetch_ms) FROM runs WHERE state = 'fetching'");
  row.step();
  return row.get<std::optional<std::int64_t>>(0);
}

bool start_run(Tx& tx, const RunId& run, const FetchedRun& fetched, std::int64_t now_ms, Random& random) {
  const std::int64_t changed = tx.change(
      "UPDATE runs SET state = 'running', reason = '', policy_sha = ?2, head_gate_digest = ?3, base_gate_digest = ?4, "
      "bootstrap = ?5, policy_digest = ?6, required_json = ?7, updated_ms = ?8 WHERE id = ?1 AND state = 'fetching'",
      run, fetched.policy_sha, fetched.head_gate_digest, fetched.base_gate_digest, fetched.bootstrap,
      save_text(tx, fetched.policy_json), write_required(fetched.required), now_ms);
  if (changed == 0) return false;
  for (const Arch& arch : fetched.required) insert_job(tx, run, arch, fetched, now_ms, random);
  return true;
}

bool retry_fetch(Tx& tx, const RunId& run, const std::string& reason, std::int64_t next_fetch_ms, std::int64_t now_ms) {
  return tx.change(
             "UPDATE runs SET fetch_attempts = fetch_attempts + 1, next_fetch_ms = ?3, reason = ?2, updated_ms = ?4 "
             "WHERE id = ?1 AND state = 'fetching'",
             run, reason, next_fetch_ms, now_ms) == 1;
}

bool end_run(Tx& tx, const RunId& run, RunVerdict verdict, const std::string& first_cause, const std::string& reason,
             std::int64_t now_ms) {
  return tx.change(
             "UPDATE runs SET state = 'done', verdict = ?2, first_cause = ?3, reason = ?4, updated_ms = ?5, "
             "ended_ms = ?5 WHERE id = ?1 AND state IN ('fetching', 'deciding')",
             run, to_string(verdict), first_cause, reason, now_ms) == 1;
}

std::optional<RunId> next_run_to_decide(ReadTx& tx) {
  Query row = tx.query("SELECT id FROM runs WHERE state = 'deciding' ORDER BY id LIMIT 1");
  if (!row.step()) return std::nullopt;
  return row.get<RunId>(0);
}

}  // namespace smgate::store
