#include "server/store/reported_checks.hpp"

namespace smgate::store {

std::vector<ReportedCheck> reported_checks(ReadTx& tx, const Head& head) {
  Query row = tx.query(
      "SELECT name, generation, completed, annotated, digest FROM reported_checks "
      "WHERE repository = ?1 AND head_sha = ?2 ORDER BY name",
      head.repository, head.sha);
  std::vector<ReportedCheck> checks;
  while (row.step())
    checks.push_back(
        {head, row.get<std::string>(0), row.get<int>(1), row.get<bool>(2), row.get<bool>(3), row.get<std::string>(4)});
  return checks;
}

void save_reported_check(Tx& tx, const ReportedCheck& check) {
  tx.change(
      "INSERT INTO reported_checks (repository, head_sha, name, generation, completed, annotated, digest) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET generation = excluded.generation, "
      "completed = excluded.completed, annotated = excluded.annotated, digest = excluded.digest",
      check.head.repository, check.head.sha, check.name, check.generation, check.completed, check.annotated,
      check.digest);
}

}  // namespace smgate::store
