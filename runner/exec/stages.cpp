#include "runner/exec/stages.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

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

struct Budgets {
  Budget log;
  Budget events;
};

class StageRun final : public ChildObserver {
 public:
  StageRun(const JobPlan& plan, const Stage& stage, const JobFolder& folder, Budgets& budgets, ItemSink& sink)
      : plan_(plan),
        stage_(stage),
        folders_(folder.stage(stage.name)),
        sink_(sink),
        own_(sink),
        tail_(folders_.events, budgets.events, sink, own_),
        log_(stage.name, budgets.log, sink) {
    if (feeds() && plan.make_adapter) adapter_ = plan.make_adapter();
  }

  ChildResult run(const Cancellation& cancellation) {
    sink_.put(protocol::StageBegin{stage_.name});
    if (feeds()) own_.attest(plan_.arch, plan_.device);
    sink_.flush();
    plan_.passed("runner.stage_begun");
    const ChildResult result = run_child(child(), *this, cancellation);
    tell(result);
    tail_.finish();
    if (adapter_) put_adapted(adapter_->finish());
    log_.flush();
    sink_.put(end_of(result));
    sink_.flush();
    plan_.passed("runner.stage_ended");
    return result;
  }

  void output(std::string_view bytes) override {
    log_.append(bytes);
    if (adapter_) put_adapted(adapter_->take(bytes));
  }

  void tick() override {
    tail_.poll();
    log_.flush();
    sink_.flush();
  }

 private:
  bool feeds() const { return stage_.feeds != Feeds::none; }

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
    return spec;
  }

  void put_adapted(const std::string& lines) {
    for (std::string_view rest = lines; !rest.empty();) {
      const std::size_t room = std::min(rest.size(), protocol::kItemDataBytesMax);
      const std::size_t end = rest.substr(0, room).rfind('\n');
      const std::size_t taken = end == std::string_view::npos ? room : end + 1;
      sink_.put(protocol::EventChunk{std::string(kAdapterEventsFile), std::string(rest.substr(0, taken))});
      rest.remove_prefix(taken);
    }
  }

  void tell(const ChildResult& result) {
    if (result.end == ChildEnd::not_started)
      log_.say(fmt::format("{} cannot be started: {}", stage_.argv.front(), result.error));
    if (result.end == ChildEnd::timed_out)
      log_.say(fmt::format("stage {} was ended: it ran longer than its {} s or the job's time", stage_.name,
                           stage_.timeout_s));
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
  ItemSink& sink_;
  RunnerEvents own_;
  EventTail tail_;
  LogStream log_;
  std::unique_ptr<LogAdapter> adapter_;
};

Finished finished_by(const Stage& stage, const ChildResult& result, const Cancellation& cancellation) {
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
      return {JobOutcome::timed_out, because(fmt::format("did not end within {} s", stage.timeout_s))};
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
  Budgets budgets{{plan.limits.log_bytes_max, false}, {plan.limits.events_bytes_max, false}};
  Finished finished;
  for (const Stage& stage : plan.stages) {
    if (finished.outcome == JobOutcome::completed && cancellation.requested())
      finished = exec::finished_by(cancellation);
    if (finished.outcome == JobOutcome::completed)
      finished = finished_by(stage, StageRun(plan, stage, folder, budgets, sink).run(cancellation), cancellation);
    else
      sink.put(StageEnd{stage.name, StageOutcome::not_started, 0, 0, 0});
  }
  sink.flush();
  return finished;
}

}  // namespace smgate::exec
