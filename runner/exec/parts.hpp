// A job's own run, and the runs beside it that the gate file asks for. Each is a part (common/contract/job_facts.hpp):
//
//   main          every stage, in the work tree
//   again         every stage, from the start, in a second work tree under another path (KC-9)
//   control:NAME  the stages that feed a contract, in the first work tree, as runs that must fail (DS-9)
//
// All but main are short: their stages that feed a contract get SMGATE_STEPS_MAX, and those of a control its name as
// SMGATE_CONTROL. Each part has folders, caches and events of its own. How a part beside main ended is told as a
// run_end event of that part and never ends the job; only a failing host does. The job's thread.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "runner/exec/stages.hpp"

namespace smgate::exec {

inline constexpr int kShortRunSteps = 10;  // what DS-1 asks of a run at least

struct ExtraRuns {
  bool stability = false;
  std::vector<std::string> controls;
  // Brings the commit, untouched, into this folder; called once, where stability is asked for.
  std::function<Result<void>(const std::filesystem::path& work_tree)> second_tree;
};

// As run_stages, for all parts. StageBegin and StageEnd are main's alone; the others show in the log.
protocol::Finished run_parts(const JobPlan& plan, const ExtraRuns& extra, const JobFolder& folder, ItemSink& sink,
                             const Cancellation& cancellation);

}  // namespace smgate::exec
