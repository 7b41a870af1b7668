#include "server/store/changes.hpp"

#include <map>
#include <utility>

namespace smgate::store {
namespace {

std::int64_t first_kept(ReadTx& tx) {
  Query row = tx.query("SELECT min(seq) FROM changes");
  row.step();
  return row.get<std::optional<std::int64_t>>(0).value_or(1);
}

}  // namespace

std::int64_t last_change(ReadTx& tx) {
  Query row = tx.query("SELECT max(seq) FROM changes");
  row.step();
  return row.get<std::optional<std::int64_t>>(0).value_or(0);
}

Changes read_changes(ReadTx& tx, std::int64_t after, std::size_t count_max) {
  Changes read;
  read.last = after;
  const std::int64_t newest = last_change(tx);
  if (after > newest || after + 1 < first_kept(tx)) {  // beyond the newest: of another database
    read.lost = true;
    read.last = newest;
    return read;
  }
  std::map<std::int64_t, std::pair<RunId, JobId>> by_seq;
  {
    std::map<std::pair<RunId, JobId>, std::int64_t> newest_of;
    Query row = tx.query("SELECT seq, run, job FROM changes WHERE seq > ?1 ORDER BY seq LIMIT ?2", after, count_max);
    while (row.step()) {
      read.last = row.get<std::int64_t>(0);
      newest_of[{row.get<RunId>(1), row.get<JobId>(2)}] = read.last;
    }
    for (const auto& [thing, seq] : newest_of) by_seq.emplace(seq, thing);
  }
  for (const auto& [seq, thing] : by_seq) {
    const std::optional<Run> run = find_run(tx, thing.first);
    if (!run) continue;
    Change change{seq, *run, std::nullopt};
    if (!thing.second.empty()) change.job = find_job(tx, thing.second);
    read.changes.push_back(std::move(change));
  }
  return read;
}

}  // namespace smgate::store
