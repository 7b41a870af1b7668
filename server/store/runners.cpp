#include "server/store/runners.hpp"

#include <array>

#include "common/digest.hpp"
#include "common/random.hpp"

namespace smgate::store {
namespace {

constexpr std::size_t kTokenBytes = 32;  // 256 bits: not to be guessed, so its plain digest can be stored

Runner read_runner(const Query& row) {
  Runner runner;
  runner.name = row.get<RunnerName>(0);
  runner.arch = row.get<Arch>(1);
  runner.created_ms = row.get<std::int64_t>(2);
  runner.last_seen_ms = row.get<std::optional<std::int64_t>>(3);
  runner.revoked = row.get<bool>(4);
  runner.draining = row.get<bool>(5);
  runner.host = row.get<std::optional<std::string>>(6);
  runner.version = row.get<std::optional<std::string>>(7);
  if (const auto name = row.get<std::optional<std::string>>(8))
    runner.device = protocol::Device{*name, row.get<std::uint64_t>(9), row.get<bool>(10), row.get<bool>(11)};
  runner.slots = row.get<int>(12);
  runner.drained = row.get<bool>(13);
  return runner;
}

#define RUNNER_COLUMNS                                                                                           \
  "name, arch, created_ms, last_seen_ms, revoked, draining, host, version, device_name, device_bytes, unified, " \
  "emulated, slots, drained"

}  // namespace

std::string create_runner_token(Tx& tx, const RunnerName& name, const Arch& arch, std::int64_t now_ms, Random& random) {
  std::array<std::uint8_t, kTokenBytes> bytes{};
  random.fill(bytes);
  const std::string token =
      "smgr_" + to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});  // greppable in a leak
  tx.change(
      "INSERT INTO runners (name, arch, token_sha256, created_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO UPDATE "
      "SET arch = excluded.arch, token_sha256 = excluded.token_sha256, created_ms = excluded.created_ms, revoked = 0",
      name, arch, sha256_hex(token), now_ms);
  return token;
}

bool revoke_runner(Tx& tx, const RunnerName& name) {
  return tx.change("UPDATE runners SET revoked = 1 WHERE name = ?1", name) == 1;
}

std::optional<Runner> find_runner_by_token(ReadTx& tx, const std::string& token) {
  Query row =
      tx.query("SELECT " RUNNER_COLUMNS " FROM runners WHERE token_sha256 = ?1 AND revoked = 0", sha256_hex(token));
  if (!row.step()) return std::nullopt;
  return read_runner(row);
}

std::optional<Runner> find_runner(ReadTx& tx, const RunnerName& name) {
  Query row = tx.query("SELECT " RUNNER_COLUMNS " FROM runners WHERE name = ?1", name);
  if (!row.step()) return std::nullopt;
  return read_runner(row);
}

std::vector<Runner> list_runners(ReadTx& tx, const RunnerName& after, std::size_t count_max) {
  Query row =
      tx.query("SELECT " RUNNER_COLUMNS " FROM runners WHERE name > ?1 ORDER BY name LIMIT ?2", after, count_max);
  std::vector<Runner> runners;
  while (row.step()) runners.push_back(read_runner(row));
  return runners;
}

void save_hello(Tx& tx, const protocol::Hello& hello, std::int64_t now_ms) {
  tx.change(
      "UPDATE runners SET last_seen_ms = ?2, draining = ?3, host = ?4, version = ?5, device_name = ?6, "
      "device_bytes = ?7, unified = ?8, emulated = ?9, slots = ?10 WHERE name = ?1",
      hello.runner, now_ms, hello.draining, hello.host, hello.version, hello.device.name, hello.device.memory_bytes,
      hello.device.unified, hello.device.emulated, hello.slots);
}

void touch_runner(Tx& tx, const RunnerName& name, bool draining, std::int64_t now_ms) {
  tx.change("UPDATE runners SET last_seen_ms = ?2, draining = ?3 WHERE name = ?1", name, now_ms, draining);
}

bool set_drained(Tx& tx, const RunnerName& name, bool drained) {
  return tx.change("UPDATE runners SET drained = ?2 WHERE name = ?1", name, drained) == 1;
}

bool is_drained(ReadTx& tx, const RunnerName& name) {
  Query row = tx.query("SELECT drained FROM runners WHERE name = ?1", name);
  return row.step() && row.get<bool>(0);
}

}  // namespace smgate::store
