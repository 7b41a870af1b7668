#include "runner/agent/worker.hpp"

#include <algorithm>
#include <exception>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "runner/exec/checkout.hpp"
#include "runner/exec/parts.hpp"

namespace smgate::agent {
namespace {

using protocol::Finished;
using protocol::JobOutcome;
using Steady = std::chrono::steady_clock;

class SpoolSink final : public exec::ItemSink {
 public:
  SpoolSink(Spool& spool, const std::function<void()>& wake) : spool_(spool), wake_(wake) {}

  void put(protocol::ItemBody body) override {
    spool_.append(std::move(body));
    put_ = true;
  }
  void flush() override {
    if (!put_) return;
    put_ = false;
    spool_.sync();
    crash_point("runner.item_spooled");
    wake_();
  }

 private:
  Spool& spool_;
  const std::function<void()>& wake_;
  bool put_ = false;
};

}  // namespace

Worker::Worker(WorkerSettings settings, std::function<void()> wake)
    : settings_(std::move(settings)), wake_(std::move(wake)) {}

void Worker::start(std::shared_ptr<Job> job) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(job));
  changed_.notify_one();
}

void Worker::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_one();
}

std::shared_ptr<Job> Worker::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
  if (closed_) return nullptr;
  std::shared_ptr<Job> job = std::move(queue_.front());
  queue_.pop_front();
  return job;
}

void Worker::run() {
  while (const std::shared_ptr<Job> job = next()) perform(*job);
}

void Worker::perform(Job& job) {
  Finished finished;
  try {
    finished = run_job(job);
  } catch (const std::exception& error) {
    finished = {JobOutcome::runner_error, error.what()};
  }
  spdlog::info("job ended lease={} outcome={} text={}", job.spool->assign().lease.value,
               protocol::to_string(finished.outcome), finished.text);
  crash_point("runner.job_removed");
  // A disk that takes no word of it ends the agent: at its next start the job is told as lost.
  job.spool->append(std::move(finished));
  job.spool->sync();
  crash_point("runner.finished_spooled");
  wake_();
}

Finished Worker::run_job(Job& job) {
  if (job.stop.requested()) return exec::finished_by(job.stop);
  const exec::JobFolder folder(settings_.jobs / job.spool->assign().lease.value);
  crash_point("runner.job_begun");
  Finished finished;
  try {
    finished = run_in(folder, job);
  } catch (const std::exception& error) {
    finished = {JobOutcome::runner_error, error.what()};
  }
  crash_point("runner.stages_done");
  if (!folder.remove()) spdlog::error("the folder of a job cannot be removed folder={}", folder.path().string());
  return finished;
}

Finished Worker::run_in(const exec::JobFolder& folder, Job& job) {
  const protocol::Assign& assign = job.spool->assign();
  exec::CheckoutSpec checkout{assign.clone_url,   assign.commit,          assign.ref,    settings_.mirrors,
                              folder.work_tree(), folder.path() / "home", settings_.git, settings_.lock_fd};
  const auto deadline = Steady::now() + std::chrono::seconds(assign.deadline_s);
  checkout.git.fetch_timeout =
      std::min<std::chrono::milliseconds>(checkout.git.fetch_timeout, std::chrono::seconds(assign.deadline_s));
  const Result<void> checked_out = exec::check_out(checkout, job.stop);
  if (job.stop.requested()) return exec::finished_by(job.stop);
  if (!checked_out) return {JobOutcome::checkout_failed, checked_out.error().text()};
  crash_point("runner.checkout_done");

  exec::JobPlan plan;
  plan.commit = assign.commit;
  plan.arch = assign.arch;
  plan.device = settings_.device;
  plan.stages = assign.stages;
  plan.host_env = settings_.env;
  plan.adapter = assign.adapter;
  plan.work_tree = folder.work_tree();
  plan.deadline = deadline;
  plan.limits = settings_.limits;
  plan.lock_fd = settings_.lock_fd;
  plan.sandbox = settings_.sandbox;
  plan.sandbox.shown = {exec::mirror_of(settings_.mirrors, assign.clone_url)};  // whose objects the work tree borrows
  plan.sandbox.folder = folder.path();
  plan.passed = [](std::string_view name) { crash_point(name); };
  exec::ExtraRuns extra{assign.stability, assign.controls, {}};
  extra.second_tree = [&](const std::filesystem::path& work_tree) {
    checkout.work_tree = work_tree;
    return exec::check_out(checkout, job.stop);
  };
  SpoolSink sink(*job.spool, wake_);
  return exec::run_parts(plan, extra, folder, sink, job.stop);
}

}  // namespace smgate::agent
