// Runs the stages of a job in order, each a supervised child, and tells what happens as items: what the agent spools
// for the coordinator and what `smgate-runner run` judges on the spot. Blocks; the job's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/gate/stage.hpp"
#include "common/ids.hpp"
#include "common/protocol/messages.hpp"
#include "runner/exec/cancellation.hpp"
#include "runner/exec/event_tail.hpp"
#include "runner/exec/item_sink.hpp"
#include "runner/exec/job_folder.hpp"
#include "runner/exec/sandbox.hpp"

namespace smgate::exec {

struct ExecLimits {
  std::chrono::milliseconds grace{10'000};       // a trainer that writes its last checkpoint
  std::uint64_t log_bytes_max = 256U << 20U;     // of a job: what a person may still search
  std::uint64_t events_bytes_max = 256U << 20U;  // of a job: a million steps with all their lookups
  int niceness = 5;                              // the agent's heartbeats come first
};

// What a job is run from. Events are passed on from the stages that feed a contract, and from no other.
struct JobPlan {
  CommitSha commit;
  Arch arch;
  protocol::Device device;
  std::vector<Stage> stages;
  std::map<std::string, std::string> host_env;
  std::filesystem::path work_tree;
  std::chrono::steady_clock::time_point deadline;  // of the job
  ExecLimits limits;
  Sandbox sandbox;
  std::optional<std::string> adapter;  // the gate file's object: reads the log of stages that feed a contract, whose
                                       // programs write no events
  int lock_fd = -1;                    // see ChildSpec
  bool tells_end = false;              // that it did not end well is told as an event, too
  std::function<void(std::string_view)> passed = [](std::string_view) {};  // names of the crash points passed
};

// Puts StageBegin, LogChunk, EventChunk and StageEnd items, but not Finished, which it returns: its caller has clean-up
// to do first. A stage that fails, and any other end than success, keeps the later ones from starting.
protocol::Finished run_stages(const JobPlan& plan, const JobFolder& folder, ItemSink& sink,
                              const Cancellation& cancellation);

// What a job that was stopped from outside has to say.
protocol::Finished finished_by(const Cancellation& cancellation);

}  // namespace smgate::exec
