// The stages of the pipeline as loops: each reads rows, decides, writes rows in one transaction, and wakes the next.
//
//   intake -> source -> scheduler -> (session) -> verdict;   leases: heartbeats and expiry, once a second
//                                                   retention: old events and logs, every ten minutes
//
// Between two transactions stands a crash point. Network thread; git and judging run on worker threads.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/random.hpp"
#include "server/config.hpp"
#include "server/http/task_group.hpp"
#include "server/session/session_link.hpp"
#include "server/stage_loop.hpp"
#include "server/store/actions.hpp"
#include "server/store/store.hpp"

namespace smgate {

class Stages {
 public:
  Stages(boost::asio::any_io_executor executor, const Config& config, const Clock& clock, Random& random,
         store::Store& store, session::SessionLink& link);

  void start(http::TaskGroup& tasks);
  void join();  // after the loops have ended: waits for the worker threads

  void wake_intake() { intake_.wake(); }
  // What somebody decided about a run is in the rows: wakes the stages that go on with it.
  void act_on(const store::ActionResult& result);
  boost::asio::thread_pool& workers() { return work_pool_; }
  std::map<std::string, std::uint64_t> failures() const;  // by stage

 private:
  boost::asio::awaitable<bool> process_delivery();
  boost::asio::awaitable<bool> fetch_source();
  boost::asio::awaitable<bool> lease_jobs();
  boost::asio::awaitable<bool> has_waiting_jobs();
  boost::asio::awaitable<void> hand_out_jobs();
  boost::asio::awaitable<bool> watch_leases();
  boost::asio::awaitable<bool> judge_job();
  boost::asio::awaitable<bool> decide_run();
  boost::asio::awaitable<bool> drop_raw();
  void cancel_leases(const std::vector<store::Lease>& leases);
  void attempt_ended(store::AttemptEnd end);

  const Config& config_;
  const Clock& clock_;
  Random& random_;
  store::Store& store_;
  session::SessionLink& link_;
  boost::asio::thread_pool git_pool_;
  boost::asio::thread_pool work_pool_;
  StageLoop intake_;
  StageLoop source_;
  StageLoop scheduler_;
  StageLoop leases_;
  StageLoop verdict_;
  StageLoop retention_;
};

}  // namespace smgate
