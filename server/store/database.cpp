#include "server/store/database.hpp"

#include <cassert>
#include <utility>

#include "server/store/migrations.hpp"

namespace smgate::store {
namespace {

constexpr int kBusyTimeout_ms = 10'000;  // another process, say `token create`, holds the write lock for milliseconds

void configure(Database& database, Database::Mode mode) {
  if (mode == Database::Mode::read_only) {
    database.execute("PRAGMA query_only = ON");
    return;
  }
  // FULL: a COMMIT is on the disk when it returns, so what was acknowledged survives a power cut.
  database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  migrate(database);
}

}  // namespace

Query::Query(Query&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

Query::~Query() {
  if (statement_ != nullptr) database_->give_back(statement_);
}

bool Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_->fail(sqlite3_sql(statement_));
  return false;
}

void Query::run() {
  while (step()) continue;
}

void Query::bind_value(int index, std::string_view text) {
  const int code = sqlite3_bind_text64(statement_, index, text.data() == nullptr ? "" : text.data(), text.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  database_->check(code, "bind text");
}

void Query::bind_value(int index, Blob blob) {
  const std::string_view bytes = blob.bytes();
  database_->check(sqlite3_bind_blob64(statement_, index, bytes.data(), bytes.size(), SQLITE_STATIC), "bind a blob");
}

void Query::bind_value(int index, double value) {
  database_->check(sqlite3_bind_double(statement_, index, value), "bind a double");
}

void Query::bind_value(int index, std::nullopt_t) {
  database_->check(sqlite3_bind_null(statement_, index), "bind NULL");
}

void Query::bind_integer(int index, std::int64_t value) {
  database_->check(sqlite3_bind_int64(statement_, index, value), "bind an integer");
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Query::real(int column) const { return sqlite3_column_double(statement_, column); }
bool Query::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string Query::text(int column) const {
  // Text and blobs alike; a null pointer is an empty blob, NULL, or a machine without memory.
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::unique_ptr<Database> Database::open(const std::filesystem::path& file, Mode mode) {
  const int access = mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<Database> database(new Database(handle));  // closes the handle also where opening failed
  if (code != SQLITE_OK)
    throw DatabaseError(code, file.string() + ": cannot open the database: " + sqlite3_errstr(code));
  sqlite3_busy_timeout(handle, kBusyTimeout_ms);
  configure(*database, mode);
  return database;
}

Database::~Database() {
  for (auto& [sql, statements] : idle_)
    for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
  const int code = sqlite3_close(handle_);
  assert(code == SQLITE_OK && "a query outlived its connection");
  static_cast<void>(code);
}

void Database::execute(const std::string& script) {
  if (sqlite3_exec(handle_, script.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(script.substr(0, 200));
}

std::int64_t Database::rows_changed() const { return sqlite3_changes64(handle_); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Query Database::prepare(std::string_view sql) {
  std::vector<sqlite3_stmt*>& idle = idle_[sql];
  if (!idle.empty()) {
    sqlite3_stmt* statement = idle.back();
    idle.pop_back();
    return Query(*this, statement);
  }
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, &tail);
  if (code != SQLITE_OK) fail(std::string(sql));
  assert(tail == sql.data() + sql.size() && "one statement a query");
  return Query(*this, statement);
}

void Database::give_back(sqlite3_stmt* statement) {
  sqlite3_reset(statement);  // returns the error of the last step, which step() reported
  sqlite3_clear_bindings(statement);
  const auto found = idle_.find(std::string_view(sqlite3_sql(statement)));
  assert(found != idle_.end());
  found->second.push_back(statement);
}

void Database::fail(const std::string& doing) const {
  const int code = sqlite3_extended_errcode(handle_);
  throw DatabaseError(code, "database: " + std::string(sqlite3_errmsg(handle_)) + " (" + sqlite3_errstr(code) +
                                ", while: " + doing + ")");
}

void Database::check(int code, const char* doing) const {
  if (code != SQLITE_OK) fail(doing);
}

}  // namespace smgate::store
