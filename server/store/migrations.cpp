#include "server/store/migrations.hpp"

#include "server/store/database.hpp"

namespace smgate::store {
namespace {

std::int64_t read_pragma(Database& database, Sql sql) {
  Query query = database.query(sql);
  query.step();
  return query.get<std::int64_t>(0);
}

void apply(Database& database, const Migration& migration) {
  try {
    database.execute("BEGIN IMMEDIATE");
    // Another process may have been faster.
    if (read_pragma(database, "PRAGMA user_version") < migration.version) {
      database.execute(migration.script);
      database.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
      database.execute("PRAGMA user_version = " + std::to_string(migration.version));
    }
    database.execute("COMMIT");
  } catch (const DatabaseError& error) {
    if (database.in_transaction()) database.execute("ROLLBACK");
    throw DatabaseError(error.code, "migration " + migration.name + ": " + error.what());
  }
}

}  // namespace

void migrate(Database& database) {
  const std::int64_t version = read_pragma(database, "PRAGMA user_version");
  const std::int64_t application = read_pragma(database, "PRAGMA application_id");
  const std::int64_t tables = read_pragma(database, "SELECT count(*) FROM sqlite_schema");
  if (application != kApplicationId && (tables != 0 || application != 0 || version != 0))
    throw DatabaseError(SQLITE_NOTADB,
                        "the database belongs to another program: give the coordinator a file of its own");
  if (version > migrations().back().version)
    throw DatabaseError(SQLITE_MISUSE, "the database was written by a newer smgate (schema " + std::to_string(version) +
                                           "): install that one");
  for (const Migration& migration : migrations())
    if (migration.version > version) apply(database, migration);
}

}  // namespace smgate::store
