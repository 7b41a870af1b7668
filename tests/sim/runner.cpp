#include "tests/sim/runner.hpp"

#include <algorithm>

namespace smgate::sim {

Runner::Runner(std::string name, Arch arch, int slots, BehaviourOf behaviour_of, Random& random)
    : name_{std::move(name)},
      arch_(std::move(arch)),
      slots_(slots),
      behaviour_of_(std::move(behaviour_of)),
      random_(random) {}

std::vector<protocol::HeldJob> Runner::held_jobs() const {
  std::vector<protocol::HeldJob> jobs;
  for (const auto& [job, held] : held_) jobs.push_back({job, held.lease});
  return jobs;
}

std::shared_ptr<Connection> Runner::connect() {
  connection_ = std::make_shared<Connection>();
  protocol::Hello hello;
  hello.runner = name_;
  hello.arch = arch_;
  hello.slots = slots_;
  hello.device.emulated = true;
  hello.held = held_jobs();
  connection_->up.push_back(hello);
  for (auto& [job, held] : held_) held.live = false;
  return connection_;
}

void Runner::cut() {
  if (connection_) connection_->open = false;
  connection_.reset();
}

void Runner::crash() {
  cut();
  for (auto& [job, held] : held_)
    if (held.made < held.items.size()) end_with(held, protocol::JobOutcome::runner_error);
}

void Runner::lose_disk() {
  cut();
  held_.clear();
}

// What was made stays; the end follows it.
void Runner::end_with(Held& held, protocol::JobOutcome outcome) {
  held.items.resize(held.made);
  held.items.push_back(protocol::Finished{outcome, "the virtual host"});
  held.made = held.items.size();
}

void Runner::step(bool chaos) {
  if (connection_ && !connection_->open) connection_.reset();
  if (!connection_) return;
  for (auto& [job, held] : held_)  // the job goes on, connected or not
    if (held.made < held.items.size()) ++held.made;
  if (!connection_->down.empty()) {
    const protocol::FromCoordinator message = connection_->down.front();
    connection_->down.pop_front();
    return read(message);
  }
  if (random_.below(4) == 0) {
    connection_->up.push_back(protocol::Heartbeat{false, held_jobs()});
    return;
  }
  send_next(chaos);
}

void Runner::send_next(bool chaos) {
  for (auto& [job, held] : held_) {
    if (!held.live || held.sent >= held.made) continue;
    std::size_t seq = held.sent;
    const auto fault = chaos ? random_.below(40) : 39;
    if (fault == 0 && seq > 0) --seq;              // again
    if (fault == 1 && seq + 1 < held.made) ++seq;  // one is missing
    connection_->up.push_back(protocol::Item{job, held.lease, seq, held.items[seq]});
    held.sent = std::max(held.sent, seq + 1);
    return;
  }
}

void Runner::read(const protocol::FromCoordinator& message) {
  if (const auto* assign = std::get_if<protocol::Assign>(&message)) take(*assign);
  if (const auto* ack = std::get_if<protocol::Ack>(&message)) acknowledge(*ack);
  if (const auto* go_on = std::get_if<protocol::Resume>(&message)) resume(*go_on);
  if (const auto* stop = std::get_if<protocol::Cancel>(&message)) cancel(*stop);
  if (const auto* refuse = std::get_if<protocol::Refuse>(&message))
    if (find(refuse->job, refuse->lease) != nullptr) held_.erase(refuse->job);
}

Runner::Held* Runner::find(const JobId& job, const LeaseToken& lease) {
  const auto found = held_.find(job);
  return found == held_.end() || found->second.lease != lease ? nullptr : &found->second;
}

void Runner::take(const protocol::Assign& assign) {
  Held held;
  held.lease = assign.lease;
  if (random_.below(25) == 0)
    held.items = {protocol::Finished{protocol::JobOutcome::checkout_failed, "no route to the git host"}};
  else
    held.items = items_of(behaviour_of_(assign.commit.value), assign.arch, random_);
  held_[assign.job] = std::move(held);
}

void Runner::acknowledge(const protocol::Ack& ack) {
  Held* held = find(ack.job, ack.lease);
  if (held == nullptr) return;
  held->acked = std::max<std::size_t>(held->acked, ack.seq + 1);
  if (held->made == held->items.size() && held->acked == held->made) held_.erase(ack.job);
}

void Runner::resume(const protocol::Resume& resume) {
  Held* held = find(resume.job, resume.lease);
  if (held == nullptr) return;
  held->acked = held->sent = resume.next_seq;
  held->live = true;
  held->made = std::max(held->made, held->acked);
  if (held->acked >= held->items.size()) held_.erase(resume.job);
}

void Runner::cancel(const protocol::Cancel& cancel) {
  Held* held = find(cancel.job, cancel.lease);
  if (held != nullptr && held->made < held->items.size()) end_with(*held, protocol::JobOutcome::cancelled);
}

}  // namespace smgate::sim
