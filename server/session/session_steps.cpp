#include "server/session/session_steps.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace smgate::session {
namespace {

std::string why_refused(const store::Job& job, const protocol::HeldJob& held) {
  if (held.lease == job.ended_lease) return "this lease has ended: what it reported is stored";
  if (job.state == store::JobState::leased)
    return fmt::format("the lease is over: attempt {} of the job is with the runner {}", job.attempt, job.runner.value);
  return fmt::format("the lease is over: the job is {}", store::to_string(job.state));
}

HeldStanding standing_of(store::ReadTx& tx, const RunnerName& runner, const protocol::HeldJob& held) {
  HeldStanding standing{held, Standing::refused, "there is no such job", 0};
  const std::optional<store::Job> job = store::find_job(tx, held.job);
  if (!job) return standing;
  standing.next_seq = job->next_seq;
  if (job->lease.empty() || job->lease != held.lease || job->runner != runner) {
    standing.reason = why_refused(*job, held);
    return standing;
  }
  const bool cancelled = job->state == store::JobState::cancelled;
  standing.standing = cancelled ? Standing::cancelled : Standing::good;
  standing.reason = cancelled ? job->reason : "";
  return standing;
}

HeldStanding renew(store::Tx& tx, const RunnerName& runner, const protocol::HeldJob& held, std::int64_t expires_ms) {
  HeldStanding standing = standing_of(tx, runner, held);
  // A cancelled job keeps its slot until the runner let go, so its lease is kept alive, too.
  if (standing.standing != Standing::refused) store::renew_lease(tx, held.job, held.lease, expires_ms);
  return standing;
}

// Leases that the runner does not know of: the Assign was lost with a connection, or the runner with its disk.
void end_unknown_leases(store::Tx& tx, const protocol::Hello& hello, std::int64_t now_ms) {
  const protocol::Finished lost{protocol::JobOutcome::lost,
                                "the runner " + hello.runner.value + " came back without the job"};
  for (const store::Job& job : store::jobs_leased_to(tx, hello.runner)) {
    const protocol::HeldJob held{job.id, job.lease};
    if (std::find(hello.held.begin(), hello.held.end(), held) == hello.held.end())
      store::end_attempt(tx, job.id, job.lease, lost, now_ms);
  }
}

std::optional<Error> mistake_in(const store::Runner& runner, const protocol::Hello& hello) {
  if (hello.protocol != protocol::kVersion)
    return Error{fmt::format("the runner speaks protocol {}, the coordinator {}", hello.protocol, protocol::kVersion),
                 runner.name.value, "install the same version of smgate on both"};
  if (hello.runner != runner.name)
    return Error{"the token belongs to the runner " + runner.name.value, hello.runner.value,
                 "give each runner its own token"};
  if (hello.arch != runner.arch)
    return Error{"the token is for " + runner.arch.value + ", the runner says " + hello.arch.value, runner.name.value,
                 "make a token for this architecture: smgate-server token create"};
  return std::nullopt;
}

ItemAnswer refuse(const HeldStanding& standing) {
  ItemAnswer answer;
  answer.fate = ItemFate::refused;
  answer.reason = standing.reason;
  return answer;
}

ItemAnswer acknowledge_again(const store::Job& job) {
  ItemAnswer answer;
  answer.fate = ItemFate::duplicate;
  answer.acked_seq = job.next_seq - 1;
  answer.run = job.run;
  return answer;
}

ItemAnswer find_gap(const store::Job& job, std::uint64_t seq) {
  ItemAnswer answer;
  answer.fate = ItemFate::gap;
  answer.reason = fmt::format("item {} came where {} was to come", seq, job.next_seq);
  answer.run = job.run;
  return answer;
}

bool is_of_ended_lease(const std::optional<store::Job>& job, const RunnerName& runner, const protocol::Item& item) {
  return job && !item.lease.empty() && item.lease == job->ended_lease && job->runner == runner &&
         item.seq < job->next_seq;
}

}  // namespace

protocol::FromCoordinator message_for(const HeldStanding& standing) {
  const auto& [held, what, reason, next_seq] = standing;
  if (what == Standing::good) return protocol::Resume{held.job, held.lease, next_seq};
  if (what == Standing::cancelled) return protocol::Cancel{held.job, held.lease, reason};
  return protocol::Refuse{held.job, held.lease, reason};
}

std::vector<protocol::FromCoordinator> answers_to_hello(const std::vector<HeldStanding>& standings) {
  std::vector<protocol::FromCoordinator> answers;
  for (const HeldStanding& standing : standings) {
    if (standing.standing == Standing::cancelled)
      answers.push_back(protocol::Resume{standing.held.job, standing.held.lease, standing.next_seq});
    answers.push_back(message_for(standing));
  }
  return answers;
}

Result<std::vector<HeldStanding>> say_hello(store::Tx& tx, const store::Runner& runner, const protocol::Hello& hello,
                                            std::int64_t lease_ms, std::int64_t now_ms) {
  if (const std::optional<Error> mistake = mistake_in(runner, hello)) return *mistake;
  store::save_hello(tx, hello, now_ms);
  end_unknown_leases(tx, hello, now_ms);
  std::vector<HeldStanding> standings;
  for (const protocol::HeldJob& held : hello.held) standings.push_back(renew(tx, runner.name, held, now_ms + lease_ms));
  return standings;
}

std::vector<HeldStanding> renew_leases(store::Tx& tx, std::span<const Renewal> renewals, std::int64_t lease_ms,
                                       std::int64_t now_ms) {
  std::vector<HeldStanding> standings;
  for (const Renewal& renewal : renewals)
    standings.push_back(renew(tx, renewal.runner, renewal.held, now_ms + lease_ms));
  return standings;
}

ItemAnswer take_item(store::Tx& tx, const RunnerName& runner, const protocol::Item& item, const ItemSink& sink,
                     std::int64_t now_ms) {
  const std::optional<store::Job> job = store::find_job(tx, item.job);
  if (is_of_ended_lease(job, runner, item)) return acknowledge_again(*job);
  const HeldStanding standing = standing_of(tx, runner, {item.job, item.lease});
  if (standing.standing == Standing::refused) return refuse(standing);
  if (item.seq < job->next_seq) return acknowledge_again(*job);
  if (item.seq > job->next_seq || !store::advance_seq(tx, item.job, item.lease, item.seq))
    return find_gap(*job, item.seq);
  ItemAnswer answer;
  answer.fate = ItemFate::stored;
  answer.acked_seq = item.seq;
  answer.run = job->run;
  answer.end = sink(tx, *job, item, now_ms);
  return answer;
}

}  // namespace smgate::session
