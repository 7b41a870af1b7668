#include "server/store/queue.hpp"

namespace smgate::store {

QueueView read_queue(ReadTx& tx, const std::optional<RunId>& run, const QueuePlace& after, std::size_t count_max) {
  QueueView view;
  {
    Query row = tx.query(
        "SELECT jobs.id, run, repository, branch, head_sha, arch, attempt, queued_ms, ready_ms, "
        "coalesce(access_error, ''), coalesce(access_retry_ms, 0) FROM jobs JOIN runs ON runs.id = run LEFT JOIN "
        "repositories ON full_name = repository WHERE jobs.state = 'queued' AND (queued_ms, jobs.id) > (?2, ?3) AND "
        "(?4 IS NULL OR run = ?4) ORDER BY queued_ms, jobs.id LIMIT ?1",
        count_max + 1, after.queued_ms, after.job, run);
    while (row.step())
      view.jobs.push_back({row.get<JobId>(0), row.get<RunId>(1), row.get<std::string>(2), row.get<std::string>(3),
                           row.get<CommitSha>(4), row.get<Arch>(5), row.get<int>(6), row.get<std::int64_t>(7),
                           row.get<std::int64_t>(8), row.get<std::string>(9), row.get<std::int64_t>(10)});
  }
  view.more = view.jobs.size() > count_max;
  if (view.more) view.jobs.pop_back();
  Query count = tx.query("SELECT count(*) FROM jobs WHERE state = 'queued'");
  count.step();
  view.total = count.get<std::int64_t>(0);
  if (view.jobs.empty()) return view;  // nobody asks why
  view.runners = list_runners(tx);
  for (const Runner& runner : view.runners) view.held.push_back(jobs_held_by(tx, runner.name));
  return view;
}

}  // namespace smgate::store
