// Runs assigned jobs, one after the other, on the thread that calls run(): checkout, stages, clean-up. The network
// thread hands jobs in and closes it. The children's parent is that thread, so it must be the process's main thread or
// live as long.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "runner/agent/ledger.hpp"
#include "runner/exec/git.hpp"
#include "runner/exec/stages.hpp"

namespace smgate::agent {

struct WorkerSettings {
  std::filesystem::path jobs;     // a folder a job
  std::filesystem::path mirrors;  // a folder a repository
  protocol::Device device;
  std::map<std::string, std::string> env;
  exec::GitSettings git;
  exec::ExecLimits limits;
  int lock_fd = -1;       // see exec::ChildSpec
  exec::Sandbox sandbox;  // of this host
};

class Worker final : public JobStarter {
 public:
  // `wake` is called on the job's thread whenever there is more to send.
  Worker(WorkerSettings settings, std::function<void()> wake);

  void start(std::shared_ptr<Job> job) override;  // any thread
  void close();                                   // any thread: run() returns after the job at hand

  void run();  // throws std::system_error where not even the end of a job can be written

 private:
  std::shared_ptr<Job> next();
  void perform(Job& job);
  protocol::Finished run_job(Job& job);
  protocol::Finished run_in(const exec::JobFolder& folder, Job& job);

  const WorkerSettings settings_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool closed_ = false;
};

}  // namespace smgate::agent
