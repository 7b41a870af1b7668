// The store without threads: each operation is a transaction of its own, on the caller's thread. For the simulator, for
// tests, and for commands such as `token create`. One thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <type_traits>

#include "server/store/tx.hpp"

namespace smgate::store {

class InlineStore {
 public:
  // ":memory:" for one that ends with this object.
  explicit InlineStore(const std::filesystem::path& file)
      : database_(Database::open(file, Database::Mode::read_write)) {}

  // An operation that throws changes nothing.
  template <class F>
  auto write(F f) {
    Transaction transaction(*database_, "BEGIN IMMEDIATE");
    Tx tx(*database_);
    if constexpr (std::is_void_v<std::invoke_result_t<F, Tx&>>) {
      f(tx);
      transaction.commit();
    } else {
      auto result = f(tx);
      transaction.commit();
      return result;
    }
  }
  template <class F>
  auto read(F f) {
    Transaction transaction(*database_, "BEGIN");
    ReadTx tx(*database_);
    return f(tx);
  }

 private:
  class Transaction {
   public:
    Transaction(Database& database, const char* begin) : database_(database) { database_.execute(begin); }
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit() { database_.execute("COMMIT"); }

   private:
    Database& database_;
  };

  std::unique_ptr<Database> database_;
};

}  // namespace smgate::store
