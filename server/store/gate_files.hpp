// Texts that many rows share, once each, by digest (sha256, lower-case hex): gate files as `source` read them,
// policies, stages.
#pragma once

#include <optional>
#include <string>

#include "server/store/tx.hpp"

namespace smgate::store {

// Returns the digest.
std::string save_text(Tx& tx, const std::string& text);
std::optional<std::string> find_text(ReadTx& tx, const std::string& digest);

inline std::string save_gate_file(Tx& tx, const std::string& text) { return save_text(tx, text); }
inline std::optional<std::string> find_gate_file(ReadTx& tx, const std::string& digest) {
  return find_text(tx, digest);
}

}  // namespace smgate::store
