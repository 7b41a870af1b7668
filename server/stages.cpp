#include "server/stages.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <variant>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "server/intake/intake.hpp"
#include "server/scheduler/scheduler.hpp"
#include "server/source/source_steps.hpp"
#include "server/store/crash_points.hpp"
#include "server/store/repositories.hpp"
#include "server/store/retention.hpp"
#include "server/store/runners.hpp"
#include "server/store/store_async.hpp"
#include "server/verdict/blame.hpp"
#include "server/verdict/verdict.hpp"
#include "server/worker_pool.hpp"

namespace smgate {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds kPoll{1'000};       // for hints that were lost, and rows that fall due
constexpr milliseconds kLeaseTick{1'000};  // lease renewals are one transaction a second
constexpr milliseconds kRetentionPoll{600'000};
constexpr std::int64_t kDay_ms = 86'400'000;
constexpr std::size_t kGitThreads = 1;  // one fetch at a time

std::size_t work_threads() { return std::max(2U, std::thread::hardware_concurrency()); }

// The operator's clone URL counts, not the webhook's.
void override_clone_url(store::Tx& tx, const RunId& run, const Config& config, std::int64_t now_ms) {
  const std::optional<store::Run> found = store::find_run(tx, run);
  if (!found) return;
  const auto configured = config.repositories.find(found->repository);
  if (configured == config.repositories.end() || configured->second.empty()) return;
  std::optional<store::Repository> repository = store::find_repository(tx, found->repository);
  if (!repository) return;
  repository->clone_url = configured->second;
  store::save_repository(tx, *repository, now_ms);
}

GitLimits git_limits(const Config& config) {
  GitLimits limits;
  limits.fetch_deadline = milliseconds(config.git_deadline_ms);
  return limits;
}

std::vector<scheduler::FreeRunner> takers(const std::vector<session::LiveSession>& sessions) {
  std::vector<scheduler::FreeRunner> runners;
  for (const session::LiveSession& session : sessions)
    if (!session.draining) runners.push_back({session.runner, session.arch, session.emulated, session.slots});
  return runners;
}

// Somebody may have drained it meanwhile, whatever it says of itself.
std::vector<scheduler::FreeRunner> not_drained(store::ReadTx& tx, std::vector<scheduler::FreeRunner> runners) {
  std::erase_if(runners, [&tx](const scheduler::FreeRunner& runner) { return store::is_drained(tx, runner.name); });
  return runners;
}

}  // namespace

Stages::Stages(asio::any_io_executor executor, const Config& config, const Clock& clock, Random& random,
               store::Store& store, session::SessionLink& link, Keyring& keyring)
    : config_(config),
      clock_(clock),
      random_(random),
      store_(store),
      link_(link),
      keyring_(keyring),
      git_pool_(kGitThreads),
      work_pool_(work_threads()),
      intake_(executor, "intake", kPoll, [this] { return process_delivery(); }),
      source_(executor, "source", kPoll, [this] { return fetch_source(); }),
      scheduler_(executor, "scheduler", kPoll, [this] { return lease_jobs(); }),
      leases_(executor, "leases", kLeaseTick, [this] { return watch_leases(); }),
      verdict_(executor, "verdict", kPoll, [this] { return judge_job(); }),
      retention_(executor, "retention", kRetentionPoll, [this] { return drop_raw(); }) {
  link_.set_hints({[this] { scheduler_.wake(); }, [this](store::AttemptEnd end, const RunId&) { attempt_ended(end); }});
}

void Stages::start(http::TaskGroup& tasks) {
  for (StageLoop* loop : {&intake_, &source_, &scheduler_, &leases_, &verdict_, &retention_})
    tasks.spawn(loop->name(), loop->run());
}

void Stages::wake_for_keys() {
  source_.wake();
  scheduler_.wake();
}

void Stages::join() {
  git_pool_.join();
  work_pool_.join();
}

std::map<std::string, std::uint64_t> Stages::failures() const {
  std::map<std::string, std::uint64_t> failures;
  for (const StageLoop* loop : {&intake_, &source_, &scheduler_, &leases_, &verdict_, &retention_})
    failures.emplace(loop->name(), loop->failures());
  return failures;
}

asio::awaitable<bool> Stages::process_delivery() {
  const std::int64_t now_ms = clock_.now_ms();
  const auto processed = co_await store::write(store_, [this, now_ms](store::Tx& tx) {
    auto done = intake::process_next_delivery(tx, now_ms, random_);
    if (done && done->run) override_clone_url(tx, *done->run, config_, now_ms);
    return done;
  });
  if (!processed) co_return false;
  crash_point(store::kDeliveryProcessed);
  spdlog::info("delivery processed delivery={} run={} outcome=\"{}\"", processed->delivery.value,
               processed->run ? processed->run->value : "-", processed->outcome);
  if (processed->fetch) source_.wake();
  if (processed->schedule) scheduler_.wake();
  cancel_leases(processed->lost);
  co_return true;
}

void Stages::cancel_leases(const std::vector<store::Lease>& leases) {
  for (const store::Lease& lease : leases)
    link_.registry().send(lease.runner, protocol::Cancel{lease.job, lease.token, "its run is no longer wanted"});
}

void Stages::act_on(const store::ActionResult& result) {
  if (result.fetch) source_.wake();
  if (result.schedule) scheduler_.wake();
  cancel_leases(result.lost);
}

asio::awaitable<bool> Stages::fetch_source() {
  const std::int64_t begun_ms = clock_.now_ms();
  const store::Keys keys = keyring_.for_source();
  const source::NextTask next = co_await store::read(
      store_, [&keys, begun_ms](store::ReadTx& tx) { return source::next_source_task(tx, keys, begun_ms); });
  keyring_.ask(next.wanted);
  const std::optional<source::SourceTask>& task = next.task;
  if (!task) co_return false;
  const source::SourceConfig source_config{config_.data_folder / "mirrors", git_limits(config_)};
  const source::SourceResult result =
      co_await on_pool(git_pool_, [&task, &source_config] { return source::fetch_gate_files(*task, source_config); });
  crash_point(store::kGateFilesRead);
  const std::int64_t now_ms = clock_.now_ms();
  const source::Finished finished = co_await store::write(store_, [this, &task, &result, now_ms](store::Tx& tx) {
    const source::Finished finished_now = source::finish_source(tx, *task, result, now_ms, random_);
    if (finished_now == source::Finished::ended) verdict::note_blame(tx, task->run);
    return finished_now;
  });
  crash_point(finished == source::Finished::retried ? store::kFetchRetried : store::kJobsCreated);
  if (const auto* invalid = std::get_if<source::InvalidGate>(&result))
    spdlog::warn("a gate file is invalid run={} what=\"{}\"", task->run.value, invalid->text);
  if (const auto* unavailable = std::get_if<source::Unavailable>(&result))
    spdlog::warn("a repository cannot be read run={} what=\"{}\"", task->run.value, unavailable->text);
  scheduler_.wake();
  co_return true;
}

asio::awaitable<bool> Stages::lease_jobs() {
  const bool waiting = co_await has_waiting_jobs();
  if (waiting) co_await hand_out_jobs();
  co_return false;
}

// A look without a transaction: ten thousand idle runners shall not be counted every second.
asio::awaitable<bool> Stages::has_waiting_jobs() {
  std::set<Arch> connected;
  for (const session::LiveSession& session : link_.registry().all()) connected.insert(session.arch);
  if (connected.empty()) co_return false;
  const std::int64_t now_ms = clock_.now_ms();
  const bool waiting = co_await store::read(store_, [&connected, now_ms](store::ReadTx& tx) {
    return std::any_of(connected.begin(), connected.end(),
                       [&tx, now_ms](const Arch& arch) { return !store::waiting_jobs(tx, arch, now_ms, 1).empty(); });
  });
  co_return waiting;
}

// Nothing may be awaited between reading the registry and handing the transaction to the store: see
// SessionLink::welcome for what the order is good for.
asio::awaitable<void> Stages::hand_out_jobs() {
  const std::vector<session::LiveSession> sessions = link_.registry().all();
  const std::vector<scheduler::FreeRunner> runners = takers(sessions);
  const store::Keys keys = keyring_.for_runners();
  const std::int64_t now_ms = clock_.now_ms();
  scheduler::HandedOut out = co_await store::write(store_, [this, &runners, &keys, now_ms](store::Tx& tx) {
    return scheduler::lease_jobs(tx, not_drained(tx, runners), keys, config_.lease_ms, now_ms, random_);
  });
  keyring_.ask(out.wanted);
  if (out.leased.empty()) co_return;
  crash_point(store::kLeased);
  for (scheduler::Leased& lease : out.leased) {
    const auto session = std::find_if(sessions.begin(), sessions.end(),
                                      [&](const auto& candidate) { return candidate.runner == lease.runner; });
    spdlog::info("job leased job={} runner={} attempt={}", lease.assign.job.value, lease.runner.value,
                 lease.assign.attempt);
    if (session != sessions.end()) link_.registry().send(lease.runner, session->number, std::move(lease.assign));
  }
}

asio::awaitable<bool> Stages::watch_leases() {
  co_await link_.flush_heartbeats();
  const std::int64_t now_ms = clock_.now_ms();
  const std::vector<scheduler::Expired> expired =
      co_await store::write(store_, [now_ms](store::Tx& tx) { return scheduler::expire_leases(tx, now_ms); });
  if (expired.empty()) co_return false;
  crash_point(store::kLeasesExpired);
  for (const scheduler::Expired& lost : expired) {
    spdlog::warn("a lease ran out job={} runner={}", lost.lease.job.value, lost.lease.runner.value);
    attempt_ended(lost.end);
  }
  co_return expired.size() >= scheduler::kExpireBatch;
}

void Stages::attempt_ended(store::AttemptEnd end) {
  if (end == store::AttemptEnd::requeued)
    scheduler_.wake();
  else
    verdict_.wake();
}

asio::awaitable<bool> Stages::judge_job() {
  const auto reported = co_await store::read(store_, [](store::ReadTx& tx) { return verdict::load_reported_job(tx); });
  if (!reported) co_return co_await decide_run();
  const verdict::JudgedJob judged = co_await on_pool(work_pool_, [&reported] { return verdict::judge(*reported); });
  crash_point(store::kJobFolded);
  const std::int64_t now_ms = clock_.now_ms();
  co_await store::write(store_, [&judged, now_ms](store::Tx& tx) { return verdict::finish_job(tx, judged, now_ms); });
  crash_point(store::kJobJudged);
  spdlog::info("job judged job={} verdict={} first_cause={}", judged.job.value, to_string(judged.verdict.verdict),
               judged.verdict.first_cause.empty() ? "-" : judged.verdict.first_cause);
  co_return true;
}

asio::awaitable<bool> Stages::decide_run() {
  const auto ended = co_await store::read(store_, [](store::ReadTx& tx) { return verdict::load_ended_run(tx); });
  if (!ended) co_return false;
  const verdict::Config policy{config_.emulated_satisfies_required};
  const verdict::JudgedRun judged =
      co_await on_pool(work_pool_, [&ended, policy] { return verdict::judge(*ended, policy); });
  crash_point(store::kRunCompared);
  const std::int64_t now_ms = clock_.now_ms();
  co_await store::write(store_, [&judged, now_ms](store::Tx& tx) { return verdict::finish_run(tx, judged, now_ms); });
  crash_point(store::kRunDecided);
  spdlog::info("run decided run={} verdict={}", judged.run.value, to_string(judged.decision.verdict));
  co_return true;
}

// A job a transaction: nobody waits long for the writer.
asio::awaitable<bool> Stages::drop_raw() {
  if (config_.raw_days == 0) co_return false;
  const std::int64_t now_ms = clock_.now_ms();
  const std::int64_t before_ms = now_ms - config_.raw_days * kDay_ms;
  const auto dropped = co_await store::write(
      store_, [before_ms, now_ms](store::Tx& tx) { return store::drop_oldest_raw(tx, before_ms, now_ms); });
  if (dropped) crash_point(store::kRawDropped);
  if (dropped) spdlog::info("events and log dropped job={} raw_days={}", dropped->value, config_.raw_days);
  co_return dropped.has_value();
}

}  // namespace smgate
