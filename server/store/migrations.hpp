// The numbered scripts of schemas/sql, embedded when the program is built, and how a database comes to the newest of
// them. Called when a connection opens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace smgate::store {

class Database;

struct Migration {
  std::int64_t version;  // the file's number; PRAGMA user_version says which one a database has seen
  std::string name;
  std::string script;
};
const std::vector<Migration>& migrations();  // ascending

inline constexpr std::int64_t kApplicationId = 0x534D4754;  // "SMGT": PRAGMA application_id, so that file(1) knows it

// One transaction a migration. Throws DatabaseError where the file belongs to another program or to a newer smgate.
void migrate(Database& database);

}  // namespace smgate::store
