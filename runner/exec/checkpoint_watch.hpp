// Looks at the checkpoints that a stage's programs report. Stands between what passes events on and the sink, notes the
// paths that `checkpoint` events name, and when the stage has ended reads the files and tells, as the runner, what it
// saw. A file is read only where it lies in the job's folders, through whatever links. The job's thread.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/contract/event.hpp"
#include "runner/exec/item_sink.hpp"
#include "runner/exec/runner_events.hpp"

namespace smgate::exec {

inline constexpr std::size_t kCheckpointsMax = 64;  // the newest of a stage; as many as facts keep

class CheckpointWatch final : public ItemSink {
 public:
  explicit CheckpointWatch(ItemSink& sink) : sink_(sink) {}

  void put(protocol::ItemBody body) override;
  void flush() override { sink_.flush(); }

  struct Place {
    std::filesystem::path work_tree;             // what relative paths begin at
    std::vector<std::filesystem::path> folders;  // where files may lie
  };
  // Tells of each checkpoint that was reported since the last call. One that was reported before others and is gone was
  // made room for; the last one must be there. `stop`: there is no time left to read.
  void tell(const Place& place, const std::function<bool()>& stop, RunnerEvents& own);

 private:
  void note(std::string_view lines);

  ItemSink& sink_;
  std::vector<contract::Checkpoint> reported_;  // no two of one path; in the order of their last report
};

}  // namespace smgate::exec
