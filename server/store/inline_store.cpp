#include "server/store/inline_store.hpp"

namespace smgate::store {

InlineStore::Transaction::~Transaction() {
  if (database_.in_transaction()) database_.execute("ROLLBACK");
}

}  // namespace smgate::store
