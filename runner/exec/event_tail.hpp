// Follows the events files of a stage while it runs: every *.jsonl in its folder, also those that appear later. Takes
// complete lines, in the file's order, in chunks of at most protocol::kItemDataBytesMax; holds one chunk in memory,
// however large the files grow. The job's thread.
//
// A line longer than a chunk is left out and named by an error event of the runner; its gap in seq shows it, too. The
// limit is the protocol's, not 1 MiB, so that a chunk always holds whole lines; a batch too large for it has a summary.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "runner/exec/fd.hpp"
#include "runner/exec/item_sink.hpp"
#include "runner/exec/runner_events.hpp"

namespace smgate::exec {

inline constexpr std::size_t kEventFilesMax = 256;  // processes of one stage; each costs a descriptor

// What a job may still tell. Shared by its stages, so that a job cannot fill the host's disk or the coordinator's.
struct Budget {
  std::uint64_t bytes_left = 0;
  bool told = false;  // that it is used up
};

class EventTail {
 public:
  EventTail(std::filesystem::path folder, Budget& budget, ItemSink& sink, RunnerEvents& own);

  void poll();
  // After the stage and all its processes ended: also a last line without its newline.
  void finish();

 private:
  struct File {
    Fd fd;
    std::uint64_t offset = 0;  // up to here it was taken
    bool inside_long_line = false;
  };

  void find_files();
  void open_file(const std::string& name);
  void follow(const std::string& name, File& file, bool last);
  bool take_block(const std::string& name, File& file, bool last);
  void put(const std::string& name, std::string lines);
  void ignore(const std::string& name, const std::string& why);

  std::filesystem::path folder_;
  Budget& budget_;
  ItemSink& sink_;
  RunnerEvents& own_;
  std::map<std::string, File> files_;
  std::set<std::string> ignored_;
};

}  // namespace smgate::exec
