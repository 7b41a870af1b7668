// One SQLite connection: opened, migrated, and asked through cached statements whose every return code is checked.
// Owned by the store's writer thread, by each reader thread, or by InlineStore; one thread at a time. SQL is written in
// server/store alone. (SQLite 3.40; https://www.sqlite.org/c3ref/intro.html)
#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "common/ids.hpp"

namespace smgate::store {

// The disk is full, the file is damaged, a constraint was broken: nothing that a caller plans for.
class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(int code_given, const std::string& text) : std::runtime_error(text), code(code_given) {}
  int code;  // SQLite's extended result code
};

// A statement's text, known when the program is compiled: nothing a stranger sent can become SQL.
class Sql {
 public:
  consteval Sql(const char* text) : text_(text) {}  // NOLINT(google-explicit-constructor): queries read as calls
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// Bytes bound without a copy: they must outlive the query, so a temporary does not compile.
class Blob {
 public:
  explicit Blob(const std::string& bytes) : bytes_(bytes) {}
  explicit Blob(std::string&&) = delete;
  std::string_view bytes() const { return bytes_; }

 private:
  std::string_view bytes_;
};

template <class T>
concept SqlInteger = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

class Database;

// A statement in use. Goes back to its connection's cache, reset, when it ends.
class Query {
 public:
  Query(Query&& other) noexcept;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  Query& operator=(Query&&) = delete;
  ~Query();

  bool step();  // true: a row is there
  void run();   // to the end; for statements that return no rows
  // For int, int64, uint64, double, bool, std::string, Id<>, and std::optional of each (absent where NULL).
  template <class T>
  T get(int column) const;

 private:
  friend class Database;
  Query(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}

  void bind_value(int index, std::string_view text);
  void bind_value(int index, Blob bytes);
  void bind_value(int index, double value);
  template <std::same_as<bool> T>  // a template, lest a pointer become true
  void bind_value(int index, T value) {
    bind_integer(index, value ? 1 : 0);
  }
  void bind_value(int index, std::nullopt_t);
  template <SqlInteger T>
  void bind_value(int index, T value) {
    bind_integer(index, static_cast<std::int64_t>(value));
  }
  template <class Tag>
  void bind_value(int index, const Id<Tag>& id) {
    bind_value(index, std::string_view(id.value));
  }
  template <class T>
  void bind_value(int index, const std::optional<T>& value) {
    value ? bind_value(index, *value) : bind_value(index, std::nullopt);
  }
  void bind_integer(int index, std::int64_t value);
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

  Database* database_;
  sqlite3_stmt* statement_;
};

class Database {
 public:
  enum class Mode { read_write, read_only };

  // read_write: creates the file where it is absent and migrates it. ":memory:" is a database of this object alone.
  // Throws DatabaseError, also where the file belongs to another program or a newer smgate.
  static std::unique_ptr<Database> open(const std::filesystem::path& file, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Text is copied, a Blob is not. Values are bound to ?1, ?2, ... in order.
  template <class... Values>
  Query query(Sql sql, const Values&... values) {
    Query prepared = prepare(sql.text());
    int index = 0;
    (prepared.bind_value(++index, values), ...);
    return prepared;
  }
  void execute(const std::string& script);  // several statements, no values; for migrations and pragmas

  std::int64_t rows_changed() const;  // by the last statement
  bool in_transaction() const;        // false after SQLite rolled back by itself (full disk, I/O error)

 private:
  friend class Query;
  explicit Database(sqlite3* handle) : handle_(handle) {}
  Query prepare(std::string_view sql);
  void give_back(sqlite3_stmt* statement);
  [[noreturn]] void fail(const std::string& doing) const;
  void check(int code, const char* doing) const;

  sqlite3* handle_;
  std::unordered_map<std::string_view, std::vector<sqlite3_stmt*>> idle_;  // keyed by literals, which never move
};

namespace detail {
template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_id : std::false_type {};
template <class Tag>
struct is_id<Id<Tag>> : std::true_type {};
}  // namespace detail

template <class T>
T Query::get(int column) const {
  if constexpr (detail::is_optional<T>::value) {
    return is_null(column) ? T() : T(get<typename T::value_type>(column));
  } else if constexpr (detail::is_id<T>::value) {
    return T{text(column)};
  } else if constexpr (std::same_as<T, bool>) {
    return integer(column) != 0;
  } else if constexpr (SqlInteger<T>) {
    return static_cast<T>(integer(column));
  } else if constexpr (std::same_as<T, double>) {
    return real(column);
  } else {
    static_assert(std::same_as<T, std::string>, "a column is an integer, a double, a bool, text, an Id or optional");
    return text(column);
  }
}

}  // namespace smgate::store
