#include "runner/agent/ledger.hpp"

#include <exception>

#include "common/crash_point.hpp"
#include "common/log.hpp"

namespace smgate::agent {

using protocol::Finished;
using protocol::JobOutcome;

Ledger::Ledger(protocol::Hello self, std::filesystem::path spools, JobStarter& starter)
    : self_(std::move(self)), spools_(std::move(spools)), starter_(starter) {
  for (std::shared_ptr<Spool>& spool : open_spools(spools_)) adopt(std::move(spool));
}

void Ledger::adopt(std::shared_ptr<Spool> spool) {
  const protocol::Assign& assign = spool->assign();
  if (!spool->finished()) {
    spool->append(Finished{JobOutcome::lost, "the runner was restarted while it ran this job"});
    spool->sync();
    crash_point("runner.lost_spooled");
  }
  spdlog::info("a job of the last process waits to be reported job={} lease={}", assign.job.value, assign.lease.value);
  auto job = std::make_shared<Job>();
  const LeaseToken lease = assign.lease;
  job->spool = std::move(spool);
  entries_[lease].job = std::move(job);
}

std::vector<protocol::HeldJob> Ledger::held() const {
  std::vector<protocol::HeldJob> jobs;
  for (const auto& [lease, entry] : entries_) jobs.push_back({entry.job->spool->assign().job, lease});
  return jobs;
}

protocol::Hello Ledger::hello() {
  for (auto& [lease, entry] : entries_) entry.live = false;
  protocol::Hello message = self_;
  message.draining = draining_ || held_back_;
  message.held = held();
  return message;
}

protocol::Heartbeat Ledger::heartbeat() const { return {draining_ || held_back_, held()}; }

void Ledger::receive(const protocol::FromCoordinator& message) {
  std::visit([this](const auto& alternative) { take(alternative); }, message);
}

// Why an assigned job ends before it starts. The coordinator sends none of these, but for races with a drain.
std::optional<Finished> Ledger::objection(const protocol::Assign& assign) const {
  if (draining_) return Finished{JobOutcome::lost, "the runner " + self_.runner.value + " is stopping"};
  if (assign.arch != self_.arch)
    return Finished{JobOutcome::runner_error, "the runner " + self_.runner.value + " has " + self_.arch.value +
                                                  ", not " + assign.arch.value +
                                                  "; correct its token or configuration"};
  return std::nullopt;
}

void Ledger::take(const protocol::Assign& assign) {
  crash_point("runner.assign_received");
  if (entries_.contains(assign.lease)) return;  // said twice: it runs already
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto entry = it++;  // a new lease of a job means that its old one has ended
    if (entry->second.job->spool->assign().job == assign.job) drop(entry, "the job has a new lease");
  }
  if (entries_.size() >= kHeldMax) {
    spdlog::error("a job is not taken: {} wait for acknowledgement job={}", entries_.size(), assign.job.value);
    return;
  }
  auto job = std::make_shared<Job>();
  try {
    job->spool = Spool::create(spools_ / assign.lease.value, assign);
    job->credential = assign.credential;
    if (const auto finished = objection(assign)) {
      job->spool->append(*finished);
      job->spool->sync();
    }
  } catch (const std::exception& error) {
    // Not held, so its lease runs out and the job goes elsewhere.
    spdlog::error("a job is not taken: {} job={}", error.what(), assign.job.value);
    return;
  }
  crash_point("runner.assign_spooled");
  spdlog::info("job assigned job={} lease={} repository={} commit={} attempt={}", assign.job.value, assign.lease.value,
               assign.repository, assign.commit.value, assign.attempt);
  entries_[assign.lease] = {job, true, 0};
  if (!job->spool->finished()) starter_.start(std::move(job));
}

void Ledger::take(const protocol::Ack& ack) {
  const auto it = entries_.find(ack.lease);
  if (it == entries_.end() || !it->second.live) return;
  if (ack.seq >= it->second.next) {
    spdlog::error("the coordinator acknowledged an item that was not sent lease={} seq={}", ack.lease.value, ack.seq);
    return;
  }
  crash_point("runner.ack_received");
  it->second.job->spool->acknowledged(ack.seq + 1);
  crash_point("runner.ack_trimmed");
  forget_if_done(it);
}

void Ledger::take(const protocol::Resume& resume) {
  const auto it = entries_.find(resume.lease);
  if (it == entries_.end()) return;
  Entry& entry = it->second;
  const Spool& spool = *entry.job->spool;
  if (resume.next_seq < spool.first_seq() || resume.next_seq > spool.synced_seq())
    return drop(it, "the coordinator goes on at item " + std::to_string(resume.next_seq) + ", which is not here");
  entry.job->spool->acknowledged(resume.next_seq);
  entry.next = resume.next_seq;
  entry.live = true;
  crash_point("runner.resumed");
  forget_if_done(it);
}

void Ledger::take(const protocol::Cancel& cancel) {
  const auto it = entries_.find(cancel.lease);
  if (it == entries_.end()) return;
  spdlog::info("job cancelled lease={} reason={}", cancel.lease.value, cancel.reason);
  it->second.job->stop.request(exec::StopReason::cancelled, cancel.reason);
}

void Ledger::take(const protocol::Refuse& refuse) {
  const auto it = entries_.find(refuse.lease);
  if (it != entries_.end()) drop(it, refuse.reason);
}

void Ledger::drop(Entries::iterator it, const std::string& why) {
  spdlog::warn("job dropped lease={} reason={}", it->first.value, why);
  it->second.job->stop.request(exec::StopReason::refused, why);
  it->second.job->spool->remove();
  entries_.erase(it);
}

void Ledger::forget_if_done(Entries::iterator it) {
  const std::shared_ptr<Spool> spool = it->second.job->spool;
  if (!spool->finished() || spool->first_seq() < spool->synced_seq()) return;
  crash_point("runner.finished_acked");
  spool->remove();
  crash_point("runner.spool_removed");
  spdlog::info("job reported lease={}", it->first.value);
  entries_.erase(it);
}

std::optional<std::string> Ledger::next_item() {
  for (auto& [lease, entry] : entries_) {
    if (!entry.live) continue;
    if (entry.next >= entry.job->spool->first_seq() + protocol::kItemsUnacknowledgedMax) continue;
    if (std::optional<std::string> text = entry.job->spool->read(entry.next)) {
      ++entry.next;
      return text;
    }
  }
  return std::nullopt;
}

void Ledger::stop_jobs(const std::string& why) {
  for (auto& [lease, entry] : entries_) entry.job->stop.request(exec::StopReason::stopping, why);
}

bool Ledger::all_finished() const {
  for (const auto& [lease, entry] : entries_)
    if (!entry.job->spool->finished()) return false;
  return true;
}

}  // namespace smgate::agent
