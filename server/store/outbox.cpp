#include "server/store/outbox.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace smgate::store {
namespace {

constexpr std::array<std::pair<CallKind, std::string_view>, 5> kKinds{{
    {CallKind::set_check, "set_check"},
    {CallKind::add_annotations, "add_annotations"},
    {CallKind::create_comment, "create_comment"},
    {CallKind::ask_permission, "ask_permission"},
    {CallKind::redeliver, "redeliver"},
}};
constexpr std::array<std::pair<CallState, std::string_view>, 4> kStates{{
    {CallState::pending, "pending"},
    {CallState::sent, "sent"},
    {CallState::superseded, "superseded"},
    {CallState::dead, "dead"},
}};

template <class Names, class T>
std::string_view name_of(const Names& names, T wanted) {
  for (const auto& [value, name] : names)
    if (value == wanted) return name;
  return "";
}

template <class Names>
auto value_of(const Names& names, const std::string& wanted) {
  for (const auto& [value, name] : names)
    if (name == wanted) return value;
  throw DatabaseError(SQLITE_CORRUPT, "github_calls holds an unknown word: " + wanted);
}

#define SMGATE_CALL_COLUMNS                                                                                       \
  "seq, lane, kind, repository, external_id, body, run, job, state, attempts, unsure, cut, next_ms, last_error, " \
  "created_ms, ended_ms, (SELECT installation FROM repositories WHERE full_name = github_calls.repository)"

Call read_call(const Query& row) {
  Call call;
  call.seq = row.get<std::int64_t>(0);
  call.lane = row.get<std::string>(1);
  call.kind = value_of(kKinds, row.get<std::string>(2));
  call.repository = row.get<std::string>(3);
  call.external_id = row.get<std::string>(4);
  call.body = row.get<std::string>(5);
  call.run = row.get<std::optional<RunId>>(6);
  call.job = row.get<std::optional<JobId>>(7);
  call.state = value_of(kStates, row.get<std::string>(8));
  call.attempts = row.get<int>(9);
  call.unsure = row.get<bool>(10);
  call.cut = static_cast<BodyCut>(row.get<int>(11));
  call.next_ms = row.get<std::int64_t>(12);
  call.last_error = row.get<std::string>(13);
  call.created_ms = row.get<std::int64_t>(14);
  call.ended_ms = row.get<std::optional<std::int64_t>>(15);
  call.installation = row.get<std::optional<std::int64_t>>(16);
  return call;
}

Check read_check(const Query& row) {
  return {row.get<std::string>(0),  row.get<CommitSha>(1),   row.get<std::string>(2), row.get<std::string>(3),
          row.get<std::int64_t>(4), row.get<std::string>(5), row.get<std::string>(6), row.get<std::int64_t>(7)};
}

void save_check(Tx& tx, const Check& check, std::int64_t now_ms) {
  tx.change(
      "INSERT INTO checks (repository, head_sha, name, external_id, check_run_id, status, conclusion, annotations, "
      "updated_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (repository, head_sha, name) DO UPDATE SET "
      "external_id = excluded.external_id, check_run_id = excluded.check_run_id, status = excluded.status, "
      "conclusion = excluded.conclusion, annotations = excluded.annotations, updated_ms = excluded.updated_ms",
      check.repository, check.head, check.name, check.external_id, check.check_run_id, check.status, check.conclusion,
      check.annotations, now_ms);
}

}  // namespace

std::string_view to_string(CallKind kind) { return name_of(kKinds, kind); }
std::string_view to_string(CallState state) { return name_of(kStates, state); }

std::optional<CallState> parse_call_state(std::string_view text) {
  for (const auto& [state, name] : kStates)
    if (name == text) return state;
  return std::nullopt;
}

std::string check_lane(const std::string& repository, const CommitSha& head, const std::string& name) {
  return "check/" + repository + "/" + head.value + "/" + name;
}

std::int64_t enqueue_call(Tx& tx, const OutboundCall& call, std::int64_t now_ms) {
  if (call.kind == CallKind::set_check)
    tx.change(
        "UPDATE github_calls SET state = 'superseded', body = '', ended_ms = ?3 WHERE lane = ?1 AND external_id = ?2 "
        "AND kind = 'set_check' AND state = 'pending' AND attempts = 0",
        call.lane, call.external_id, now_ms);
  Query row = tx.query(
      "INSERT INTO github_calls (lane, kind, repository, external_id, body, run, job, state, next_ms, created_ms) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', ?8, ?8) RETURNING seq",
      call.lane, to_string(call.kind), call.repository, call.external_id, call.body, call.run, call.job, now_ms);
  row.step();
  const auto seq = row.get<std::int64_t>(0);
  row.run();
  return seq;
}

std::optional<Call> begin_next_call(Tx& tx, std::int64_t now_ms) {
  std::optional<Call> call;
  {
    Query row = tx.query("SELECT " SMGATE_CALL_COLUMNS
                         " FROM github_calls WHERE state = 'pending' AND next_ms <= ?1 AND NOT EXISTS (SELECT 1 FROM "
                         "github_calls AS earlier WHERE earlier.lane = github_calls.lane AND earlier.state = 'pending' "
                         "AND earlier.seq < github_calls.seq) ORDER BY next_ms, seq LIMIT 1",
                         now_ms);
    if (!row.step()) return std::nullopt;
    call = read_call(row);
  }
  tx.change("UPDATE github_calls SET attempts = attempts + 1, unsure = 1 WHERE seq = ?1", call->seq);
  ++call->attempts;
  return call;
}

std::optional<std::int64_t> next_call_due_ms(ReadTx& tx) {
  Query row = tx.query("SELECT min(next_ms) FROM github_calls WHERE state = 'pending'");
  row.step();
  return row.get<std::optional<std::int64_t>>(0);
}

std::vector<std::int64_t> calls_sent_since(ReadTx& tx, std::int64_t since_ms, std::size_t count_max) {
  Query row = tx.query(
      "SELECT ended_ms FROM github_calls WHERE ended_ms >= ?1 AND state = 'sent' ORDER BY ended_ms DESC LIMIT ?2",
      since_ms, count_max);
  std::vector<std::int64_t> times;
  while (row.step()) times.push_back(row.get<std::int64_t>(0));
  std::reverse(times.begin(), times.end());
  return times;
}

std::optional<Check> find_check(ReadTx& tx, const std::string& repository, const CommitSha& head,
                                const std::string& name) {
  Query row = tx.query(
      "SELECT repository, head_sha, name, external_id, check_run_id, status, conclusion, annotations FROM checks "
      "WHERE repository = ?1 AND head_sha = ?2 AND name = ?3",
      repository, head, name);
  if (!row.step()) return std::nullopt;
  return read_check(row);
}

std::vector<Check> checks_of_commit(ReadTx& tx, const std::string& repository, const CommitSha& head) {
  Query row = tx.query(
      "SELECT repository, head_sha, name, external_id, check_run_id, status, conclusion, annotations FROM checks "
      "WHERE repository = ?1 AND head_sha = ?2 ORDER BY name",
      repository, head);
  std::vector<Check> checks;
  while (row.step()) checks.push_back(read_check(row));
  return checks;
}

void forget_check(Tx& tx, const Check& check) {
  tx.change("DELETE FROM checks WHERE repository = ?1 AND head_sha = ?2 AND name = ?3 AND check_run_id = ?4",
            check.repository, check.head, check.name, check.check_run_id);
}

void finish_call(Tx& tx, std::int64_t seq, const std::optional<Check>& check, std::int64_t now_ms) {
  const std::int64_t changed = tx.change(
      "UPDATE github_calls SET state = 'sent', body = '', unsure = 0, ended_ms = ?2 WHERE seq = ?1 AND "
      "state = 'pending'",
      seq, now_ms);
  if (changed == 1 && check) save_check(tx, *check, now_ms);
}

void retry_call(Tx& tx, std::int64_t seq, const CallRetry& retry) {
  tx.change(
      "UPDATE github_calls SET next_ms = ?2, last_error = ?3, unsure = ?4, cut = ?5, attempts = attempts - ?6 "
      "WHERE seq = ?1 AND state = 'pending'",
      seq, retry.next_ms, retry.error, retry.unsure, static_cast<int>(retry.cut), retry.counts ? 0 : 1);
}

// No index leads to a lane's calls that have ended; this is for the day on which an App is installed anew.
void revive_calls(Tx& tx, const std::optional<std::string>& repository, std::int64_t now_ms) {
  tx.change(
      "UPDATE github_calls SET state = 'pending', attempts = 1, unsure = 1, next_ms = ?2, created_ms = ?2, "
      "ended_ms = NULL WHERE state = 'dead' AND kind = 'set_check' AND (?1 IS NULL OR repository = ?1) AND NOT EXISTS "
      "(SELECT 1 FROM github_calls AS newer WHERE newer.lane = github_calls.lane AND "
      "newer.external_id = github_calls.external_id AND newer.kind = 'set_check' AND newer.seq > github_calls.seq)",
      repository, now_ms);
}

void give_up_call(Tx& tx, std::int64_t seq, const std::string& error, std::int64_t now_ms) {
  tx.change(
      "UPDATE github_calls SET state = 'dead', last_error = ?2, ended_ms = ?3 WHERE seq = ?1 AND state = 'pending'",
      seq, error, now_ms);
}

// Each begins at the index that narrows most; what it does not cover is compared row by row.
#define SMGATE_LIST_CALLS(where)                                                                               \
  "SELECT " SMGATE_CALL_COLUMNS " FROM github_calls WHERE " where                                              \
  " AND (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR repository = ?2) AND (?4 IS NULL OR seq < ?4) ORDER BY " \
  "seq DESC LIMIT ?5"

std::vector<Call> list_calls(ReadTx& tx, const CallFilter& filter, std::optional<std::int64_t> before,
                             std::size_t count_max) {
  std::optional<std::string_view> state;
  if (filter.state) state = to_string(*filter.state);
  const auto ask = [&](Sql sql) { return tx.query(sql, state, filter.repository, filter.run, before, count_max); };
  Query row = filter.run                           ? ask(SMGATE_LIST_CALLS("run = ?3"))
              : filter.state == CallState::pending ? ask(SMGATE_LIST_CALLS("state = 'pending' AND ?3 IS NULL"))
              : filter.state == CallState::dead    ? ask(SMGATE_LIST_CALLS("state = 'dead' AND ?3 IS NULL"))
                                                   : ask(SMGATE_LIST_CALLS("?3 IS NULL"));
  std::vector<Call> calls;
  while (row.step()) calls.push_back(read_call(row));
  return calls;
}

CallCounts count_calls(ReadTx& tx) {
  Query row = tx.query(
      "SELECT (SELECT count(*) FROM github_calls WHERE state = 'pending'), "
      "(SELECT count(*) FROM github_calls WHERE state = 'dead'), "
      "(SELECT min(created_ms) FROM github_calls WHERE state = 'pending')");
  row.step();
  return {row.get<std::int64_t>(0), row.get<std::int64_t>(1), row.get<std::optional<std::int64_t>>(2)};
}

std::int64_t forget_calls(Tx& tx, std::int64_t before_ms, std::int64_t count_max) {
  return tx.change("DELETE FROM github_calls WHERE seq IN (SELECT seq FROM github_calls WHERE ended_ms < ?1 LIMIT ?2)",
                   before_ms, count_max);
}

}  // namespace smgate::store
