#include "tests/sim/world.hpp"

#include <algorithm>

#include "common/digest.hpp"
#include "server/intake/intake.hpp"
#include "server/reporter/reporter.hpp"
#include "server/result/record_item.hpp"
#include "server/scheduler/scheduler.hpp"
#include "server/store/runners.hpp"

namespace smgate::sim {
namespace {

constexpr std::int64_t kLease_ms = 15'000;
constexpr std::int64_t kLongWait_ms = 60'000;  // nothing but a back-off is being waited for
constexpr std::string_view kSecret = "simulated";
const std::vector<Arch> kRequired = {Arch{"sm_89"}, Arch{"sm_121"}};

}  // namespace

World::World(std::uint64_t seed, std::uint64_t pace_ms)
    : random_(seed),
      clock_(test::kNow_ms),
      store_(":memory:"),
      github_(random_),
      api_(random_, clock_, github_),
      link_(random_, clock_, api_),
      pace_ms_(pace_ms) {
  const auto behaviour_of = [this](const std::string& commit) { return github_.behaviour_of(commit); };
  runners_.emplace_back("ada-1", kRequired[0], 1, behaviour_of, random_);
  runners_.emplace_back("ada-2", kRequired[0], 2, behaviour_of, random_);
  runners_.emplace_back("spark-1", kRequired[1], 2, behaviour_of, random_);
  for (const Runner& runner : runners_)
    store_.write([&](store::Tx& tx) {
      return store::create_runner_token(tx, runner.name(), runner.arch(), clock_.now_ms(), random_);
    });
  watch_verdicts();
}

void World::step_in_chaos() {
  clock_.advance_ms(static_cast<std::int64_t>(random_.below(pace_ms_)));
  const auto pick = random_.below(100);
  if (pick < 4) return github_.act(clock_.now_ms(), api_);
  if (pick < 6) return break_something();
  if (pick < 28) return run_runner(runners_[random_.below(runners_.size())], true);
  // More often than people act: else everything would be done hours late.
  if (pick < 46) return speak_to_github();
  if (pick < 56) return receive_webhook();
  if (pick < 66) return process_delivery();
  coordinate();
}

void World::step_in_calm() {
  chaos_ = false;
  api_.calm_down();
  clock_.advance_ms(only_calls_wait() ? kLongWait_ms : 1'000);
  github_.send_all_at(clock_.now_ms());
  for (Runner& runner : runners_) run_runner(runner, false);
  receive_webhook();
  process_delivery();
  fetch();
  schedule();
  watch_leases();
  for (std::size_t i = 0; i < 2 * sessions_.size(); ++i) read_message();
  judge();
  decide();
  for (int i = 0; i < 8 && report(); ++i) continue;
  for (int i = 0; i < 3 && link_.send(store_); ++i) continue;
  link_.recover(store_);
}

void World::coordinate() {
  switch (random_.below(17)) {
    case 2:
      return fetch();
    case 3:
      return schedule();
    case 4:
      return watch_leases();
    case 5:
      return judge();
    case 6:
      return decide();
    case 7:
    case 8:
      report();
      return;
    case 9:
      return link_.recover(store_);
    default:
      return read_message();
  }
}

void World::speak_to_github() {
  if (link_.send(store_) && random_.below(4) != 0) link_.send(store_);  // else there is time for a crash between
}

void World::break_something() {
  Runner& runner = runners_[random_.below(runners_.size())];
  switch (random_.below(9)) {
    case 0:
    case 1:
      return crash();
    case 8:
      if (random_.below(3) == 0) api_.begin_outage();  // else it would hardly ever be there
      return;
    case 2:
      return runner.crash();
    case 3:
      return runner.lose_disk();
    case 4:
      return clock_.advance_ms(static_cast<std::int64_t>(random_.below(3 * kLease_ms)));  // everything hangs
    default:
      return runner.cut();
  }
}

void World::crash() {
  ++seen_.crashes;
  for (Session& session : sessions_) session.connection->open = false;
  sessions_.clear();
  heartbeats_.clear();
  fetching_.reset();
  judged_.reset();
  decided_.reset();
  link_.crash();
}

void World::run_runner(Runner& runner, bool chaos) {
  if (chaos && random_.below(5) == 0) return;  // slow
  if (runner.connection() == nullptr) sessions_.push_back({runner.connect(), runner.name(), false});
  runner.step(chaos);
}

void World::receive_webhook() {
  const Webhook* webhook = github_.due(clock_.now_ms());
  if (webhook == nullptr) return;
  const intake::WebhookHeaders headers{webhook->event, webhook->delivery,
                                       "sha256=" + hmac_sha256_hex(kSecret, webhook->body)};
  const auto checked = intake::check_delivery(kSecret, headers, webhook->body, clock_.now_ms());
  const auto* delivery = std::get_if<store::Delivery>(&checked);
  if (delivery == nullptr) return breach("a good webhook was refused: " + std::get<intake::Refused>(checked).what);
  store_.write([&](store::Tx& tx) { return intake::accept_delivery(tx, *delivery); });
  if (chaos_ && random_.below(10) == 0) return crash();  // durable, but not answered: it comes again
  github_.answered(webhook->delivery, clock_.now_ms());
}

void World::process_delivery() {
  const auto done =
      store_.write([&](store::Tx& tx) { return intake::process_next_delivery(tx, clock_.now_ms(), random_); });
  if (!done) return;
  seen_.cancelled += static_cast<int>(done->lost.size());
  seen_.revived += done->schedule ? 1 : 0;
  for (const store::Lease& lease : done->lost)
    send(lease.runner, protocol::Cancel{lease.job, lease.token, "its run is no longer wanted"});
}

source::SourceResult World::fetched(const source::SourceTask& task) {
  if (chaos_ && random_.below(6) == 0) return source::Unavailable{"no route to the git host"};
  if (github_.behaviour_of(task.head.value) == Behaviour::gate_invalid)
    return source::InvalidGate{"/stages: is required"};
  source::Planned planned;
  planned.plan.gate.architectures = kRequired;
  planned.plan.gate.stages = {{"build", {"make"}, 60, {}, Feeds::none}, {"smoke", {"./smoke"}, 60, {}, Feeds::both}};
  planned.head = {task.head, "{}"};
  return planned;
}

// Two steps: the fetch itself takes long, and the run may be cancelled meanwhile.
void World::fetch() {
  if (!fetching_) {
    fetching_ = store_.read([&](store::ReadTx& tx) { return source::next_source_task(tx, {}, clock_.now_ms()).task; });
    return;
  }
  const source::SourceTask task = *std::exchange(fetching_, std::nullopt);
  const source::SourceResult result = fetched(task);
  store_.write([&](store::Tx& tx) { return source::finish_source(tx, task, result, clock_.now_ms(), random_); });
}

void World::schedule() {
  std::vector<scheduler::FreeRunner> connected;
  for (const Runner& runner : runners_) {
    const auto found = std::find_if(sessions_.begin(), sessions_.end(), [&](const Session& it) {
      return it.runner == runner.name() && it.welcomed && it.connection->open;
    });
    if (found != sessions_.end()) connected.push_back({runner.name(), runner.arch(), true, runner.slots()});
  }
  const auto leased = store_.write([&](store::Tx& tx) {
    return scheduler::lease_jobs(tx, connected, {}, kLease_ms, clock_.now_ms(), random_).leased;
  });
  for (const scheduler::Leased& lease : leased) newest_lease_[lease.assign.job] = lease.assign.lease;
  if (chaos_ && !leased.empty() && random_.below(10) == 0) return crash();  // leased, but not sent
  for (const scheduler::Leased& lease : leased) {
    send(lease.runner, lease.assign);
    check_slots(lease.runner);
  }
}

void World::watch_leases() {
  const auto renewals = std::exchange(heartbeats_, {});
  const auto standings =
      store_.write([&](store::Tx& tx) { return session::renew_leases(tx, renewals, kLease_ms, clock_.now_ms()); });
  for (std::size_t i = 0; i < standings.size(); ++i)
    if (standings[i].standing != session::Standing::good) send(renewals[i].runner, session::message_for(standings[i]));
  const auto expired = store_.write([&](store::Tx& tx) { return scheduler::expire_leases(tx, clock_.now_ms()); });
  for (const scheduler::Expired& one : expired) ended_leases_.insert(one.lease.token);
  seen_.expired += static_cast<int>(expired.size());
}

void World::judge() {
  if (!judged_) {
    auto reported = store_.read([](store::ReadTx& tx) { return verdict::load_reported_job(tx); });
    if (!reported) return;
    check_events(*reported);
    auto answer = judge_once(*reported);
    judged_ = Judged{std::move(*reported), std::move(answer)};
    return;
  }
  const Judged judged = *std::exchange(judged_, std::nullopt);
  store_.write([&](store::Tx& tx) { return verdict::finish_job(tx, judged.verdict, clock_.now_ms()); });
}

void World::decide() {
  if (!decided_) {
    const auto ended = store_.read([](store::ReadTx& tx) { return verdict::load_ended_run(tx); });
    if (ended) decided_ = judge_once(*ended);
    return;
  }
  const verdict::JudgedRun judged = *std::exchange(decided_, std::nullopt);
  if (!store_.write([&](store::Tx& tx) { return verdict::finish_run(tx, judged, clock_.now_ms()); }))
    breach("nobody else decides runs, and " + judged.run.value + " was decided already");
}

bool World::report() {
  return store_.write([&](store::Tx& tx) { return reporter::report_next(tx, {true, ""}, clock_.now_ms()); });
}

void World::read_message() {
  std::erase_if(sessions_, [](const Session& it) { return !it.connection->open; });
  if (sessions_.empty()) return;
  Session session = sessions_[random_.below(sessions_.size())];
  if (session.connection->up.empty()) return;
  const protocol::FromRunner message = session.connection->up.front();
  session.connection->up.pop_front();
  std::visit([&](const auto& body) { hear(session, body); }, message);
}

void World::hear(Session& session, const protocol::Hello& hello) {
  // An older connection of the runner ends with the Hello of the newer.
  for (Session& other : sessions_)
    if (other.runner == session.runner && other.connection != session.connection) other.connection->open = false;
  const auto held = [&](const store::Job& job) {
    return std::find(hello.held.begin(), hello.held.end(), protocol::HeldJob{job.id, job.lease}) != hello.held.end();
  };
  const auto standings = store_.write([&](store::Tx& tx) {
    for (const store::Job& job : store::jobs_leased_to(tx, session.runner))
      if (!held(job)) ended_leases_.insert(job.lease);
    const store::Runner runner = store::find_runner(tx, session.runner).value();
    return session::say_hello(tx, runner, hello, kLease_ms, clock_.now_ms()).value();
  });
  if (chaos_ && random_.below(20) == 0) return crash();  // stored, but no Welcome
  session.connection->down.push_back(protocol::Welcome{});
  for (protocol::FromCoordinator& answer : session::answers_to_hello(standings))
    session.connection->down.push_back(std::move(answer));
  for (Session& own : sessions_) own.welcomed = own.welcomed || own.connection == session.connection;
}

void World::hear(Session& session, const protocol::Heartbeat& heartbeat) {
  for (const protocol::HeldJob& held : heartbeat.held) heartbeats_.push_back({session.runner, held});
}

void World::hear(Session& session, const protocol::Item& item) {
  const session::ItemAnswer answer = store_.write([&](store::Tx& tx) {
    return session::take_item(tx, session.runner, item, result::record_item, clock_.now_ms());
  });
  check_item(item, answer);
  if (chaos_ && random_.below(60) == 0) return crash();  // stored, but not acknowledged
  if (answer.fate == session::ItemFate::gap)
    session.connection->open = false;
  else if (answer.fate == session::ItemFate::refused)
    session.connection->down.push_back(protocol::Refuse{item.job, item.lease, answer.reason});
  else
    session.connection->down.push_back(protocol::Ack{item.job, item.lease, answer.acked_seq});
}

void World::send(const RunnerName& runner, const protocol::FromCoordinator& message) {
  for (Session& session : sessions_)
    if (session.runner == runner && session.welcomed && session.connection->open)
      session.connection->down.push_back(message);
}

}  // namespace smgate::sim
