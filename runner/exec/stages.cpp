#include "runner/exec/stages.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "runner/device/host.hpp"
#include "runner/exec/adapted_log.hpp"
#include "runner/exec/checkpoint_watch.hpp"
#include "runner/exec/child.hpp"
#include "runner/exec/log_stream.hpp"
#include "runner/exec/runner_events.hpp"

namespace smgate::exec {
namespace {

using Steady = std::chrono::steady_clock;
using protocol::Finished;
using protocol::JobOutcome;
using protocol::StageEnd;
using protocol::StageOutcome;

constexpr int kNotFound = 127;  // what a shell says of a command that it cannot start

// What the stages of a job share: numbering and budgets go on from one to the next.
struct JobState {
  JobState(const JobPlan& plan, ItemSink& sink)
      : own(sink),
        checkpoints(sink),
        log{plan.limits.log_bytes_max, false},
        events{plan.limits.events_bytes_max, false} {
    if (plan.adapter) adapter.emplace(*plan.adapter, checkpoints);
  }
  RunnerEvents own;
  CheckpointWatch checkpoints;
  Budget log;
  Budget events;
  std::optional<AdaptedLog> adapter;
};

// Which of the two deadlines it was.
std::string end_of_time(const JobPlan& plan, const Stage& stage) {
  if (Steady::now() >= plan.deadline) return "was still running when the job's time was up";
  return fmt::format("did not end within {} s", stage.timeout_s);
}

class StageRun final : public ChildObserver {
 public:
  StageRun(const JobPlan& plan, const Stage& stage, const JobFolder& folder, JobState& job, ItemSink& sink)
      : plan_(plan),
        stage_(stage),
        folders_(folder.stage(stage.name)),
        places_{plan.work_tree, {plan.work_tree, folder.path()}},
        sink_(sink),
        job_(job),
        log_(stage.name, job.log, sink) {
    if (feeds()) tail_.emplace(folders_.events, job.events, job.checkpoints, job.own);
  }

  ChildResult run(const Cancellation& cancellation) {
    sink_.put(protocol::StageBegin{stage_.name});
    if (feeds()) attest();
    if (feeds() && job_.adapter) job_.adapter->begin(plan_.work_tree);
    sink_.flush();
    plan_.passed("runner.stage_begun");
    const ChildResult result = run_child(child(), *this, cancellation);
    tell(result);
    if (tail_) tail_->finish();
    if (job_.adapter) job_.adapter->flush();
    const auto stop = [&] { return cancellation.requested() || Steady::now() >= plan_.deadline; };
    if (feeds()) job_.checkpoints.tell(places_, stop, job_.own);
    log_.flush();
    sink_.put(end_of(result));
    sink_.flush();
    plan_.passed("runner.stage_ended");
    return result;
  }

  void output(std::string_view bytes) override {
    log_.append(bytes);
    if (feeds() && job_.adapter) job_.adapter->take(bytes);
  }

  void tick() override {
    if (tail_) tail_->poll();
    if (job_.adapter) job_.adapter->flush();
    log_.flush();
    sink_.flush();
  }

 private:
  bool feeds() const { return stage_.feeds != Feeds::none; }

  void attest() {
    job_.own.attest(plan_.arch, plan_.device);
    if (plan_.device.emulated) return;  // a played device is not the host's memory
    if (const auto memory = device::host_memory()) job_.own.memory(*memory, plan_.device.unified);
  }

  ChildSpec child() const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(plan_.deadline - Steady::now());
    ChildSpec spec;
    spec.argv = stage_.argv;
    spec.env = stage_environment(stage_, folders_, plan_.arch, plan_.commit, plan_.host_env);
    spec.folder = plan_.work_tree;
    spec.deadline = std::clamp<std::chrono::milliseconds>(left, std::chrono::milliseconds(0),
                                                          std::chrono::seconds(stage_.timeout_s));
    spec.grace = plan_.limits.grace;
    spec.niceness = plan_.limits.niceness;
    spec.lock_fd = plan_.lock_fd;
    if (!plan_.sandbox.program.empty()) close_off(plan_.sandbox, spec);
    return spec;
  }

  void tell(const ChildResult& result) {
    if (result.end == ChildEnd::not_started)
      log_.say(fmt::format("{} cannot be started: {}", stage_.argv.front(), result.error));
    if (result.end == ChildEnd::timed_out)
      log_.say(fmt::format("stage {} was ended: it {}", stage_.name, end_of_time(plan_, stage_)));
    if (result.left_behind > 0)
      log_.say(
          fmt::format("{} processes were left running at the end of the stage and were killed", result.left_behind));
    if (result.unkillable > 0)
      log_.say(fmt::format("{} processes withstand SIGKILL; look for a hanging device", result.unkillable));
  }

  StageEnd end_of(const ChildResult& result) const {
    StageEnd end{stage_.name, StageOutcome::failed, result.exit_code, result.signal, result.duration_ms};
    switch (result.end) {
      case ChildEnd::exited:
        if (result.exit_code == 0) end.outcome = StageOutcome::succeeded;
        break;
      case ChildEnd::not_started:
        end.exit_code = kNotFound;
        break;
      case ChildEnd::timed_out:
        end.outcome = StageOutcome::timed_out;
        break;
      case ChildEnd::cancelled:
        end.outcome = StageOutcome::cancelled;
        break;
      case ChildEnd::signalled:
      case ChildEnd::lost:
        break;
    }
    return end;
  }

  const JobPlan& plan_;
  const Stage& stage_;
  StageFolders folders_;
  CheckpointWatch::Place places_;
  ItemSink& sink_;
  JobState& job_;
  LogStream log_;
  std::optional<EventTail> tail_;
};

Finished finished_by(const JobPlan& plan, const Stage& stage, const ChildResult& result,
                     const Cancellation& cancellation) {
  const auto because = [&stage](const std::string& what) { return fmt::format("stage {} {}", stage.name, what); };
  switch (result.end) {
    case ChildEnd::exited:
      if (result.exit_code == 0) return {};
      return {JobOutcome::stage_failed, because(fmt::format("ended with exit code {}", result.exit_code))};
    case ChildEnd::signalled:
      return {JobOutcome::stage_failed, because(fmt::format("was ended by signal {}", result.signal))};
    case ChildEnd::not_started:
      return {JobOutcome::stage_failed,
              because(fmt::format("could not be started: {}: {}", stage.argv[0], result.error))};
    case ChildEnd::timed_out:
      return {JobOutcome::timed_out, because(end_of_time(plan, stage))};
    case ChildEnd::cancelled:
      return exec::finished_by(cancellation);
    case ChildEnd::lost:
      break;
  }
  return {JobOutcome::runner_error, because("was lost: " + result.error)};
}

}  // namespace

Finished finished_by(const Cancellation& cancellation) {
  const bool wished = cancellation.reason() == StopReason::cancelled;
  return {wished ? JobOutcome::cancelled : JobOutcome::lost, cancellation.text()};
}

Finished run_stages(const JobPlan& plan, const JobFolder& folder, ItemSink& sink, const Cancellation& cancellation) {
  JobState job(plan, sink);
  Finished finished;
  for (const Stage& stage : plan.stages) {
    if (finished.outcome == JobOutcome::completed && cancellation.requested())
      finished = exec::finished_by(cancellation);
    if (finished.outcome == JobOutcome::completed)
      finished = finished_by(plan, stage, StageRun(plan, stage, folder, job, sink).run(cancellation), cancellation);
    else
      sink.put(StageEnd{stage.name, StageOutcome::not_started, 0, 0, 0});
  }
  if (job.adapter) job.adapter->finish();
  if (plan.tells_end && finished.outcome != JobOutcome::completed) job.own.failed(finished.text);
  sink.flush();
  return finished;
}

}  // namespace smgate::exec
