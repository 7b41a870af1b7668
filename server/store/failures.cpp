#include "server/store/failures.hpp"

#include <algorithm>

namespace smgate::store {
namespace {

// A pull request of a fork names a branch of the fork's.
#define SMGATE_HEAD_REPOSITORY                                                                                       \
  "coalesce((SELECT head_repository FROM pull_requests WHERE pull_requests.repository = runs.repository AND number " \
  "= runs.pull_request), runs.repository)"

}  // namespace

std::vector<EarlierFailure> earlier_failures(ReadTx& tx, const Job& job) {
  Query row = tx.query(
      "SELECT failure_signs.job, jobs.run, signature, missing_digest FROM runs JOIN failure_signs ON "
      "failure_signs.repository = runs.repository AND head_repository = " SMGATE_HEAD_REPOSITORY
      " AND failure_signs.branch = runs.branch AND failure_signs.arch = ?2 AND failure_signs.job < ?3 "
      "JOIN jobs ON jobs.id = failure_signs.job AND jobs.verdict = 'fail' WHERE runs.id = ?1 ORDER BY "
      "failure_signs.job DESC LIMIT ?4",
      job.run, job.arch, job.id, kEarlierFailuresMax);
  std::vector<EarlierFailure> failures;
  while (row.step())
    failures.push_back({row.get<JobId>(0), row.get<RunId>(1), {row.get<std::string>(2), row.get<std::string>(3)}});
  std::reverse(failures.begin(), failures.end());
  return failures;
}

void save_failure(Tx& tx, const JobId& job, const contract::FailureSign& sign) {
  tx.change(
      "INSERT INTO failure_signs (job, repository, head_repository, branch, arch, signature, missing_digest) "
      "SELECT jobs.id, runs.repository, " SMGATE_HEAD_REPOSITORY
      ", runs.branch, jobs.arch, ?2, ?3 FROM jobs JOIN runs ON runs.id = jobs.run WHERE jobs.id = ?1 "
      "ON CONFLICT (job) DO UPDATE SET signature = excluded.signature, missing_digest = excluded.missing_digest",
      job, sign.signature, sign.missing_digest);
}

}  // namespace smgate::store
