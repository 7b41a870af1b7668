#include "server/store/heads.hpp"

#include <algorithm>

#include "server/store/run_rows.hpp"

namespace smgate::store {
namespace {

// How far from letting the commit through: the larger, the farther.
int distance(const Run& run) {
  switch (run.state) {
    case RunState::fetching:
    case RunState::running:
    case RunState::deciding:
      return 5;
    case RunState::held:
      return 2;
    case RunState::cancelled:
      return 0;
    case RunState::done:
      break;
  }
  if (run.verdict == RunVerdict::fail) return 4;
  return run.verdict == RunVerdict::inconclusive ? 3 : 1;
}

}  // namespace

std::vector<HeadRun> runs_of_head(ReadTx& tx, const std::string& repository, const CommitSha& head) {
  std::vector<HeadRun> runs;
  {
    Query row = tx.query("SELECT " SMGATE_RUN_COLUMNS " FROM runs WHERE head_sha = ?2 AND repository = ?1 ORDER BY id",
                         repository, head);
    while (row.step()) runs.push_back({read_run_row(row), false});
  }
  for (HeadRun& one : runs) {
    Query row = tx.query("SELECT 1 FROM run_triggers WHERE run = ?1 AND active = 1 LIMIT 1", one.run.id);
    one.wanted = row.step();
  }
  return runs;
}

std::optional<Run> deciding_run(const std::vector<HeadRun>& runs) {
  const HeadRun* chosen = nullptr;
  for (const HeadRun& one : runs) {
    if (chosen == nullptr || one.wanted > chosen->wanted)
      chosen = &one;
    else if (one.wanted == chosen->wanted && distance(one.run) >= distance(chosen->run))
      chosen = &one;  // of equal ones the newest
  }
  return chosen == nullptr ? std::nullopt : std::optional(chosen->run);
}

std::optional<Head> take_marked_head(Tx& tx) {
  std::optional<Head> head;
  {
    Query row = tx.query("SELECT repository, head_sha FROM check_marks ORDER BY seq LIMIT 1");
    if (!row.step()) return std::nullopt;
    head = Head{row.get<std::string>(0), row.get<CommitSha>(1)};
  }
  tx.change("DELETE FROM check_marks WHERE repository = ?1 AND head_sha = ?2", head->repository, head->sha);
  return head;
}

bool has_reports_to_write(ReadTx& tx) {
  Query row = tx.query("SELECT 1 FROM check_marks UNION ALL SELECT 1 FROM explanations LIMIT 1");
  return row.step();
}

void mark_head(Tx& tx, const Head& head) {
  tx.change("INSERT OR IGNORE INTO check_marks (repository, head_sha) VALUES (?1, ?2)", head.repository, head.sha);
}

bool open_merge_group(Tx& tx, const std::string& repository, const CommitSha& head, const std::string& ref) {
  tx.change("INSERT INTO merge_groups (repository, head_sha, ref, open) VALUES (?1, ?2, ?3, 1) ON CONFLICT DO NOTHING",
            repository, head, ref);
  Query row = tx.query("SELECT open FROM merge_groups WHERE repository = ?1 AND head_sha = ?2", repository, head);
  return row.step() && row.get<bool>(0);
}

void close_merge_group(Tx& tx, const std::string& repository, const CommitSha& head, const std::string& ref) {
  tx.change(
      "INSERT INTO merge_groups (repository, head_sha, ref, open) VALUES (?1, ?2, ?3, 0) "
      "ON CONFLICT DO UPDATE SET open = 0",
      repository, head, ref);
}

std::vector<MergeGroupRow> open_merge_groups(ReadTx& tx, const std::string& repository) {
  Query row = tx.query("SELECT head_sha, ref FROM merge_groups WHERE repository = ?1 AND open = 1 ORDER BY head_sha",
                       repository);
  std::vector<MergeGroupRow> groups;
  while (row.step()) groups.push_back({row.get<CommitSha>(0), row.get<std::string>(1)});
  return groups;
}

bool knows_merge_group(ReadTx& tx, const std::string& repository, const CommitSha& head) {
  Query row = tx.query("SELECT 1 FROM merge_groups WHERE repository = ?1 AND head_sha = ?2", repository, head);
  return row.step();
}

void ask_for_explanation(Tx& tx, const Explanation& asked) {
  tx.change(
      "INSERT INTO explanations (delivery, repository, pull_request, head_sha, actor) VALUES (?1, ?2, ?3, ?4, ?5) "
      "ON CONFLICT DO NOTHING",
      asked.delivery, asked.repository, asked.pull_request, asked.head, asked.actor);
}

std::optional<Explanation> take_explanation(Tx& tx) {
  std::optional<Explanation> asked;
  {
    Query row = tx.query(
        "SELECT delivery, repository, pull_request, head_sha, actor FROM explanations ORDER BY delivery LIMIT 1");
    if (!row.step()) return std::nullopt;
    asked = Explanation{row.get<DeliveryId>(0), row.get<std::string>(1), row.get<std::int64_t>(2),
                        row.get<CommitSha>(3), row.get<std::string>(4)};
  }
  tx.change("DELETE FROM explanations WHERE delivery = ?1", asked->delivery);
  return asked;
}

void save_blame(Tx& tx, const RunId& run, const std::optional<std::string>& json) {
  tx.change("DELETE FROM run_blame WHERE run = ?1", run);
  if (!json) return;
  tx.change("INSERT INTO run_blame (run, json) VALUES (?1, ?2)", run, *json);
}

std::optional<std::string> find_blame(ReadTx& tx, const RunId& run) {
  Query row = tx.query("SELECT json FROM run_blame WHERE run = ?1", run);
  if (!row.step()) return std::nullopt;
  return row.get<std::string>(0);
}

}  // namespace smgate::store
