// An open transaction, as the operations of the store take it: ReadTx for views, Tx where rows change. The files beside
// this one hold the operations, a noun each. Made by Store, InlineStore and the tests; lives within one call, on the
// connection's thread.
#pragma once

#include "server/store/database.hpp"

namespace smgate::store {

class ReadTx {
 public:
  explicit ReadTx(Database& database) : database_(database) {}
  ReadTx(const ReadTx&) = delete;
  ReadTx& operator=(const ReadTx&) = delete;

  // For server/store alone.
  template <class... Values>
  Query query(Sql sql, const Values&... values) {
    return database_.query(sql, values...);
  }

 protected:
  Database& database_;
};

class Tx : public ReadTx {
 public:
  using ReadTx::ReadTx;

  // For server/store alone: runs a statement without rows; how many rows it changed.
  template <class... Values>
  std::int64_t change(Sql sql, const Values&... values) {
    database_.query(sql, values...).run();
    return database_.rows_changed();
  }
};

}  // namespace smgate::store
