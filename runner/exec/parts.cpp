#include "runner/exec/parts.hpp"

#include <spdlog/fmt/fmt.h>

#include "common/contract/job_facts.hpp"
#include "runner/exec/remove_tree.hpp"
#include "runner/exec/runner_events.hpp"

namespace smgate::exec {
namespace {

namespace fs = std::filesystem;
using protocol::Finished;
using protocol::JobOutcome;

// Marks what a part tells, and counts it: all parts share the job's budgets, in their order.
class PartSink final : public ItemSink {
 public:
  PartSink(std::string part, std::string title, ItemSink& sink)
      : part_(std::move(part)), title_(std::move(title)), sink_(sink) {}

  void put(protocol::ItemBody body) override {
    std::visit([this](auto& alternative) { take(alternative); }, body);
  }
  void flush() override { sink_.flush(); }

  void charge(ExecLimits& limits) const {
    limits.log_bytes_max -= std::min(limits.log_bytes_max, log_bytes_);
    limits.events_bytes_max -= std::min(limits.events_bytes_max, event_bytes_);
  }

 private:
  bool is_main() const { return part_ == contract::kPartMain; }

  void take(protocol::EventChunk& chunk) {
    chunk.part = part_;
    event_bytes_ += chunk.lines.size();
    sink_.put(std::move(chunk));
  }
  void take(protocol::LogChunk& chunk) {
    log_bytes_ += chunk.bytes.size();
    sink_.put(std::move(chunk));
  }
  void take(protocol::StageBegin& begin) {
    if (is_main()) return sink_.put(std::move(begin));
    sink_.put(protocol::LogChunk{begin.stage, fmt::format("[smgate] {}, stage {}\n", title_, begin.stage)});
  }
  void take(protocol::StageEnd& end) {
    if (is_main()) sink_.put(std::move(end));
  }
  void take(protocol::Finished&) {}  // run_stages returns it

  const std::string part_;
  const std::string title_;
  ItemSink& sink_;
  std::uint64_t log_bytes_ = 0;
  std::uint64_t event_bytes_ = 0;
};

// The others are the host's doing, and end the job.
bool is_its_own(JobOutcome outcome) {
  return outcome == JobOutcome::completed || outcome == JobOutcome::stage_failed || outcome == JobOutcome::timed_out;
}

std::vector<Stage> shortened(std::vector<Stage> stages, const std::string& control) {
  for (Stage& stage : stages) {
    if (stage.feeds == Feeds::none) continue;
    stage.env["SMGATE_STEPS_MAX"] = std::to_string(kShortRunSteps);
    if (!control.empty()) stage.env["SMGATE_CONTROL"] = control;
  }
  return stages;
}

class Parts {
 public:
  Parts(JobPlan plan, const ExtraRuns& extra, const JobFolder& folder, ItemSink& sink, const Cancellation& cancellation)
      : plan_(std::move(plan)), extra_(extra), folder_(folder), sink_(sink), cancellation_(cancellation) {}

  Finished run() {
    const Finished main = run_part(std::string(contract::kPartMain), "", plan_, folder_);
    Finished ended = main;
    if (extra_.stability && is_its_own(ended.outcome)) ended = again(main);
    for (const std::string& name : extra_.controls)
      if (is_its_own(ended.outcome)) ended = control(name, main);
    return is_its_own(ended.outcome) ? main : ended;
  }

 private:
  Finished run_part(const std::string& part, const std::string& title, const JobPlan& plan, const JobFolder& folder) {
    PartSink sink(part, title, sink_);
    const Finished finished = run_stages(plan, folder, sink, cancellation_);
    sink.charge(plan_.limits);
    return finished;
  }

  Finished again(const Finished& main) {
    const std::string part(contract::kPartAgain);
    if (main.outcome != JobOutcome::completed) return skip(part, main);
    const JobFolder folder(folder_.path() / "again");
    const Result<void> made = extra_.second_tree(folder.work_tree());
    if (cancellation_.requested()) return finished_by(cancellation_);
    if (!made) return {JobOutcome::checkout_failed, "for the second run: " + made.error().text()};
    JobPlan plan = short_plan("");
    plan.work_tree = folder.work_tree();
    const Finished finished = run_part(part, "the second run, from another folder", plan, folder);
    remove_tree(folder.work_tree());  // as large as the first, and of no use any more
    return finished;
  }

  Finished control(const std::string& name, const Finished& main) {
    const std::string part = std::string(contract::kPartControl) + name;
    if (main.outcome != JobOutcome::completed) return skip(part, main);
    JobPlan plan = short_plan(name);
    std::erase_if(plan.stages, [](const Stage& stage) { return stage.feeds == Feeds::none; });
    return run_part(part, "the control " + name, plan, JobFolder(folder_.path() / "controls" / name));
  }

  JobPlan short_plan(const std::string& control) const {
    JobPlan plan = plan_;
    plan.stages = shortened(plan.stages, control);
    plan.tells_end = true;
    return plan;
  }

  // A run that did not end well shows nothing beside it; but its absence is told.
  Finished skip(const std::string& part, const Finished& main) {
    PartSink sink(part, "", sink_);
    RunnerEvents(sink).failed("was not run: " + main.text);
    sink.flush();
    return main;
  }

  JobPlan plan_;  // its limits shrink
  const ExtraRuns& extra_;
  const JobFolder& folder_;
  ItemSink& sink_;
  const Cancellation& cancellation_;
};

}  // namespace

Finished run_parts(const JobPlan& plan, const ExtraRuns& extra, const JobFolder& folder, ItemSink& sink,
                   const Cancellation& cancellation) {
  return Parts(plan, extra, folder, sink, cancellation).run();
}

}  // namespace smgate::exec
