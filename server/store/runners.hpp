// Runners: who may connect, and what each said of itself last. Tokens are kept as SHA-256; 32 random bytes need no
// salt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/protocol/messages.hpp"
#include "server/store/tx.hpp"

namespace smgate {
class Random;
}

namespace smgate::store {

struct Runner {
  RunnerName name;
  Arch arch;
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> last_seen_ms;
  bool revoked = false;
  bool draining = false;  // it said so itself
  bool drained = false;   // somebody drained it
  std::optional<std::string> host;
  std::optional<std::string> version;
  std::optional<protocol::Device> device;  // absent until it first connected
  int slots = 0;
};

// Makes the runner or gives it a new token, which is returned and never stored; the old one no longer counts.
std::string create_runner_token(Tx& tx, const RunnerName& name, const Arch& arch, std::int64_t now_ms, Random& random);
bool revoke_runner(Tx& tx, const RunnerName& name);
// By the token's digest; absent where unknown or revoked.
std::optional<Runner> find_runner_by_token(ReadTx& tx, const std::string& token);
std::optional<Runner> find_runner(ReadTx& tx, const RunnerName& name);
inline constexpr std::size_t kAllRunners = 1U << 20U;
// By name, those behind this one.
std::vector<Runner> list_runners(ReadTx& tx, const RunnerName& after = {}, std::size_t count_max = kAllRunners);

void save_hello(Tx& tx, const protocol::Hello& hello, std::int64_t now_ms);
void touch_runner(Tx& tx, const RunnerName& name, bool draining, std::int64_t now_ms);
// A drained runner finishes what it holds and is given no new job. False where there is no such runner.
bool set_drained(Tx& tx, const RunnerName& name, bool drained);
bool is_drained(ReadTx& tx, const RunnerName& name);

}  // namespace smgate::store
