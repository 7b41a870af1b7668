// Gate files as `source` read them, once each, by digest.
#pragma once

#include <optional>
#include <string>

#include "server/store/tx.hpp"

namespace smgate::store {

// Returns the digest: sha256 of the text, lower-case hex.
std::string save_gate_file(Tx& tx, const std::string& text);
std::optional<std::string> find_gate_file(ReadTx& tx, const std::string& digest);

}  // namespace smgate::store
