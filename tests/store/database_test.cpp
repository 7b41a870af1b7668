#include "server/store/database.hpp"

#include <gtest/gtest.h>

#include "server/store/inline_store.hpp"
#include "server/store/migrations.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::store {
namespace {

template <class T>
concept MakesABlob = requires(T&& bytes) {
  Blob(std::forward<T>(bytes));
};
static_assert(MakesABlob<const std::string&>);
static_assert(!MakesABlob<std::string>, "a blob of a temporary would dangle");

TEST(Database, BringsAnEmptyFileToTheNewestSchema) {
  const test::Scratch folder;
  const auto database = Database::open(folder / "a.db", Database::Mode::read_write);
  Query version = database->query("PRAGMA user_version");
  ASSERT_TRUE(version.step());
  EXPECT_EQ(version.get<std::int64_t>(0), migrations().back().version);
}

TEST(Database, NumbersItsMigrationsUpwards) {
  std::int64_t last = 0;
  for (const Migration& migration : migrations()) {
    EXPECT_GT(migration.version, last) << migration.name;
    last = migration.version;
  }
}

// As the programs before it left it.
void make_schema(const std::filesystem::path& file, std::int64_t version, const std::string& rows) {
  sqlite3* old = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &old), SQLITE_OK);
  std::string script;
  for (const Migration& migration : migrations())
    if (migration.version <= version) script += migration.script;
  script += "PRAGMA application_id = " + std::to_string(kApplicationId) + ";";
  script += "PRAGMA user_version = " + std::to_string(version) + ";" + rows;
  EXPECT_EQ(sqlite3_exec(old, script.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(old);
  sqlite3_close(old);
}

TEST(Database, KeepsReportsAndCoverageWhereTheirTablesAreMadeAnew) {
  const test::Scratch folder;
  make_schema(folder / "a.db", 8,
              "INSERT INTO runs (id, repository, head_sha, base_sha, base_rule, branch, ref, state, created_ms, "
              "updated_ms) VALUES ('R', 'a/b', 'c', '', 'none', 'main', 'refs/heads/main', 'running', 1, 1);"
              "INSERT INTO jobs (id, run, arch, state, attempt_cap, stages_digest, queued_ms, ready_ms) VALUES "
              "('J', 'R', 'sm_89', 'queued', 3, '', 1, 1);"
              "INSERT INTO job_reports VALUES ('J', x'01', x'02'); INSERT INTO job_coverage VALUES ('J', x'03');"
              "INSERT INTO run_reports VALUES ('R', x'04');");
  const auto database = Database::open(folder / "a.db", Database::Mode::read_write);
  Query row = database->query(
      "SELECT hex(facts) || hex(job_reports.report) || hex(data) || hex(run_reports.report) FROM job_reports JOIN "
      "job_coverage USING (job), run_reports");
  ASSERT_TRUE(row.step());
  EXPECT_EQ(row.get<std::string>(0), "01020304");
}

TEST(Database, KeepsTheCallsThatWaitWhenTheirTableIsMadeAnew) {
  const test::Scratch folder;
  make_schema(folder / "a.db", 9,
              "INSERT INTO github_calls (seq, lane, kind, repository, external_id, body, state, attempts, unsure, "
              "next_ms, created_ms) VALUES (17, 'check/a', 'set_check', 'acme/kernels', 'x', '{}', 'pending', 2, 1, 5, "
              "4)");
  const auto database = Database::open(folder / "a.db", Database::Mode::read_write);
  Query row = database->query("SELECT lane, attempts, unsure FROM github_calls WHERE seq = 17 AND state = 'pending'");
  ASSERT_TRUE(row.step());
  EXPECT_EQ(row.get<std::string>(0), "check/a");
  EXPECT_EQ(row.get<int>(1) + row.get<int>(2), 3);
}

TEST(Database, RefusesAFileOfAnotherProgram) {
  const test::Scratch folder;
  {
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open((folder / "a.db").c_str(), &other), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE theirs (x)", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(other);
  }
  EXPECT_THROW(Database::open(folder / "a.db", Database::Mode::read_write), DatabaseError);
}

TEST(Database, RefusesAFileOfANewerSmgate) {
  const test::Scratch folder;
  Database::open(folder / "a.db", Database::Mode::read_write)->execute("PRAGMA user_version = 9999");
  EXPECT_THROW(Database::open(folder / "a.db", Database::Mode::read_write), DatabaseError);
}

TEST(Database, CommitsWithAFullSyncToAWriteAheadLog) {
  const test::Scratch folder;
  const auto database = Database::open(folder / "a.db", Database::Mode::read_write);
  Query mode = database->query("PRAGMA journal_mode");
  Query sync = database->query("PRAGMA synchronous");
  ASSERT_TRUE(mode.step() && sync.step());
  EXPECT_EQ(mode.get<std::string>(0), "wal");
  EXPECT_EQ(sync.get<int>(0), 2);
}

TEST(Query, GivesBackWhatWasBound) {
  const auto database = Database::open(":memory:", Database::Mode::read_write);
  const std::string bytes("a\0b", 3);
  Query row = database->query("SELECT ?1, ?2, ?3, ?4, ?5, ?6", RunId{"x"}, 7, 0.1, true, Blob(bytes),
                              std::optional<std::string>());
  ASSERT_TRUE(row.step());
  EXPECT_EQ(row.get<RunId>(0), RunId{"x"});
  EXPECT_EQ(row.get<std::int64_t>(1), 7);
  EXPECT_EQ(row.get<double>(2), 0.1);
  EXPECT_TRUE(row.get<bool>(3));
  EXPECT_EQ(row.get<std::string>(4), bytes);
  EXPECT_EQ(row.get<std::optional<std::string>>(5), std::nullopt);
}

TEST(Query, BindsEmptyTextAsTextNotAsNull) {
  const auto database = Database::open(":memory:", Database::Mode::read_write);
  Query row = database->query("SELECT typeof(?1)", std::string_view());
  ASSERT_TRUE(row.step());
  EXPECT_EQ(row.get<std::string>(0), "text");
}

TEST(Query, SaysWhichStatementFailed) {
  const auto database = Database::open(":memory:", Database::Mode::read_write);
  try {
    database->query("INSERT INTO server_state (name, value) VALUES (NULL, 'x')").run();
    FAIL() << "a constraint was broken";
  } catch (const DatabaseError& error) {
    EXPECT_NE(std::string(error.what()).find("server_state"), std::string::npos) << error.what();
  }
}

TEST(InlineStore, UndoesAnOperationThatThrows) {
  InlineStore store(":memory:");
  const auto broken = [](Tx& tx) {
    tx.change("INSERT INTO server_state (name, value) VALUES ('a', 'b')");
    throw std::runtime_error("no");
  };
  EXPECT_THROW(store.write(broken), std::runtime_error);
  const auto count = store.read([](ReadTx& tx) {
    Query row = tx.query("SELECT count(*) FROM server_state");
    row.step();
    return row.get<int>(0);
  });
  EXPECT_EQ(count, 0);
}

TEST(InlineStore, FindsItsRowsAgainAfterReopening) {
  const test::Scratch folder;
  InlineStore(folder / "a.db").write([](Tx& tx) {
    return tx.change("INSERT INTO server_state (name, value) VALUES ('a', 'b')");
  });
  InlineStore again(folder / "a.db");
  const auto value = again.read([](ReadTx& tx) {
    Query row = tx.query("SELECT value FROM server_state WHERE name = 'a'");
    return row.step() ? row.get<std::string>(0) : "";
  });
  EXPECT_EQ(value, "b");
}

}  // namespace
}  // namespace smgate::store
