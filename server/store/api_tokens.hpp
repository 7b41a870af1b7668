// Who may ask the API for what, and what they asked for. Tokens are kept as SHA-256, as those of runners; each has a
// name, by which the audit log and the history of a run know who it was.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/store/tx.hpp"

namespace smgate {
class Random;
}

namespace smgate::store {

inline constexpr std::string_view kScopes[] = {"read", "rerun", "cancel", "drain", "approve"};

struct ApiToken {
  std::string name;
  std::set<std::string> scopes;
  std::int64_t created_ms = 0;
  bool revoked = false;
};

// Names with commas between them; an error names the one that is none.
Result<std::set<std::string>> parse_scopes(const std::string& text);
// Makes the token or gives the name a new one, which is returned and never stored; the old one no longer counts.
std::string create_api_token(Tx& tx, const std::string& name, const std::set<std::string>& scopes, std::int64_t now_ms,
                             Random& random);
bool revoke_api_token(Tx& tx, const std::string& name);
std::optional<ApiToken> find_api_token(ReadTx& tx, const std::string& token);  // absent where unknown or revoked
std::vector<ApiToken> list_api_tokens(ReadTx& tx);                             // by name

struct AuditEntry {
  std::int64_t seq = 0;
  std::int64_t at_ms = 0;
  std::string token;  // its name
  std::string action;
  std::string target;
  bool done = false;
  std::string text;
  struct OfRun {
    RunId id;
    std::string repository;
    std::string branch;
    std::optional<Arch> arch;  // where the target is one of its jobs
  };
  std::optional<OfRun> run;  // found by the store; absent where the target is a runner
};
void add_audit(Tx& tx, const AuditEntry& entry);  // seq is given by the store
struct AuditFilter {
  std::optional<std::string> token;
  std::optional<std::string> action;
};
struct AuditPage {
  std::vector<AuditEntry> entries;  // the newest first
  std::optional<std::int64_t> next;
};
AuditPage read_audit(ReadTx& tx, const AuditFilter& filter, std::int64_t before, std::size_t count_max);

}  // namespace smgate::store
