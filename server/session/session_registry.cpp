#include "server/session/session_registry.hpp"

#include <utility>

namespace smgate::session {
namespace {

constexpr const char* kReplaced = "replaced by a newer session of the same runner name";

}  // namespace

void SessionRegistry::replace(const RunnerName& runner) {
  const auto it = sessions_.find(runner);
  if (it == sessions_.end()) return;
  it->second.outbox->close(http::CloseCode::policy_violation, kReplaced);
  sessions_.erase(it);
}

bool SessionRegistry::add(LiveSession session) {
  const auto it = sessions_.find(session.runner);
  if (it != sessions_.end() && it->second.number > session.number) {
    session.outbox->close(http::CloseCode::policy_violation, kReplaced);
    return false;
  }
  replace(session.runner);
  sessions_.emplace(session.runner, std::move(session));
  return true;
}

void SessionRegistry::remove(const RunnerName& runner, std::uint64_t number) {
  const auto it = sessions_.find(runner);
  if (it != sessions_.end() && it->second.number == number) sessions_.erase(it);
}

void SessionRegistry::set_draining(const RunnerName& runner, bool draining) {
  if (const auto it = sessions_.find(runner); it != sessions_.end()) it->second.draining = draining;
}

bool SessionRegistry::send(const RunnerName& runner, protocol::FromCoordinator message) {
  const auto it = sessions_.find(runner);
  return it != sessions_.end() && it->second.outbox->push(std::move(message));
}

bool SessionRegistry::send(const RunnerName& runner, std::uint64_t number, protocol::FromCoordinator message) {
  const auto it = sessions_.find(runner);
  return it != sessions_.end() && it->second.number == number && it->second.outbox->push(std::move(message));
}

std::vector<LiveSession> SessionRegistry::all() const {
  std::vector<LiveSession> sessions;
  for (const auto& [name, session] : sessions_) sessions.push_back(session);
  return sessions;
}

}  // namespace smgate::session
