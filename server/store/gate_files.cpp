#include "server/store/gate_files.hpp"

#include "common/digest.hpp"

namespace smgate::store {

std::string save_text(Tx& tx, const std::string& text) {
  const std::string digest = sha256_hex(text);
  tx.change("INSERT INTO texts (digest, text) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING", digest, text);
  return digest;
}

std::optional<std::string> find_text(ReadTx& tx, const std::string& digest) {
  Query row = tx.query("SELECT text FROM texts WHERE digest = ?1", digest);
  if (!row.step()) return std::nullopt;
  return row.get<std::string>(0);
}

}  // namespace smgate::store
