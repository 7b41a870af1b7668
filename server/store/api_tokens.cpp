#include "server/store/api_tokens.hpp"

#include <algorithm>
#include <array>

#include "common/digest.hpp"
#include "common/random.hpp"

namespace smgate::store {
namespace {

constexpr std::size_t kTokenBytes = 32;  // 256 bits: not to be guessed, so its plain digest can be stored

std::string join(const std::set<std::string>& scopes) {
  std::string text;
  for (const std::string& scope : scopes) text += (text.empty() ? "" : ",") + scope;
  return text;
}

std::set<std::string> split(std::string_view text) {
  std::set<std::string> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    parts.emplace(part);
  }
  return parts;
}

ApiToken read_token(const Query& row) {
  return {row.get<std::string>(0), split(row.get<std::string>(1)), row.get<std::int64_t>(2), row.get<bool>(3)};
}

AuditEntry read_audit_entry(const Query& row) {
  AuditEntry entry{row.get<std::int64_t>(0), row.get<std::int64_t>(1), row.get<std::string>(2), row.get<std::string>(3),
                   row.get<std::string>(4),  row.get<bool>(5),         row.get<std::string>(6), std::nullopt};
  if (const auto run = row.get<std::optional<RunId>>(7))
    entry.run = {*run, row.get<std::string>(8), row.get<std::string>(9), row.get<std::optional<Arch>>(10)};
  return entry;
}

}  // namespace

Result<std::set<std::string>> parse_scopes(const std::string& text) {
  std::set<std::string> scopes = split(text);
  for (const std::string& scope : scopes)
    if (std::find(std::begin(kScopes), std::end(kScopes), scope) == std::end(kScopes))
      return Error{"\"" + scope + "\" is no scope", "", "give some of read,rerun,cancel,drain,approve"};
  if (scopes.empty())
    return Error{"a token without a scope may do nothing", "", "give some of read,rerun,cancel,drain,approve"};
  return scopes;
}

std::string create_api_token(Tx& tx, const std::string& name, const std::set<std::string>& scopes, std::int64_t now_ms,
                             Random& random) {
  std::array<std::uint8_t, kTokenBytes> bytes{};
  random.fill(bytes);
  const std::string token =
      "smga_" + to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});  // greppable in a leak
  tx.change(
      "INSERT INTO api_tokens (name, token_sha256, scopes, created_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO "
      "UPDATE SET token_sha256 = excluded.token_sha256, scopes = excluded.scopes, created_ms = excluded.created_ms, "
      "revoked = 0",
      name, sha256_hex(token), join(scopes), now_ms);
  return token;
}

bool revoke_api_token(Tx& tx, const std::string& name) {
  return tx.change("UPDATE api_tokens SET revoked = 1 WHERE name = ?1 AND revoked = 0", name) == 1;
}

std::optional<ApiToken> find_api_token(ReadTx& tx, const std::string& token) {
  Query row =
      tx.query("SELECT name, scopes, created_ms, revoked FROM api_tokens WHERE token_sha256 = ?1 AND revoked = 0",
               sha256_hex(token));
  if (!row.step()) return std::nullopt;
  return read_token(row);
}

std::vector<ApiToken> list_api_tokens(ReadTx& tx) {
  Query row = tx.query("SELECT name, scopes, created_ms, revoked FROM api_tokens ORDER BY name");
  std::vector<ApiToken> tokens;
  while (row.step()) tokens.push_back(read_token(row));
  return tokens;
}

void add_audit(Tx& tx, const AuditEntry& entry) {
  tx.change("INSERT INTO audit (at_ms, token, action, target, done, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", entry.at_ms,
            entry.token, entry.action, entry.target, entry.done, entry.text);
}

AuditPage read_audit(ReadTx& tx, const AuditFilter& filter, std::int64_t before, std::size_t count_max) {
  Query row = tx.query(
      "SELECT seq, at_ms, token, action, target, done, text, runs.id, repository, branch, arch FROM audit LEFT JOIN "
      "jobs ON jobs.id = target LEFT JOIN runs ON runs.id = coalesce(jobs.run, target) WHERE seq < ?1 AND (?3 IS NULL "
      "OR token = ?3) AND (?4 IS NULL OR action = ?4) ORDER BY seq DESC LIMIT ?2",
      before, count_max + 1, filter.token, filter.action);
  AuditPage page;
  while (row.step()) {
    if (page.entries.size() == count_max) {
      page.next = page.entries.back().seq;
      break;
    }
    page.entries.push_back(read_audit_entry(row));
  }
  return page;
}

}  // namespace smgate::store
