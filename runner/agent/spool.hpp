// What a job has to tell, on disk until the coordinator has it: survives kill -9 and power loss. One folder a lease:
//
//   assign.json          the Assign message without its credential; the folder appears under its name only when this is
//   durable items.<first seq>    frames [length u32 LE][CRC-32 u32 LE][Item as JSON], appended; the next file at
//   kSegmentBytes
//
// A torn frame at the end is cut off at the next start; it was never sent, since items are sent only when synced. Files
// whose items are all acknowledged are deleted, but for the last, whose name keeps the numbering.
//
// append and sync: the job's thread. All else: any thread. Functions that touch the disk throw std::system_error.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/protocol/messages.hpp"
#include "runner/exec/fd.hpp"

namespace smgate::agent {

inline constexpr std::uint64_t kSegmentBytes = 8U << 20U;  // 32 full items: what is kept longer than needed

class Spool {
 public:
  static std::shared_ptr<Spool> create(const std::filesystem::path& folder, protocol::Assign assign);
  // An error where the folder holds no whole spool.
  static Result<std::shared_ptr<Spool>> open(const std::filesystem::path& folder);

  const protocol::Assign& assign() const { return assign_; }

  void append(protocol::ItemBody body);
  void sync();  // what was appended may be sent from now on

  std::uint64_t first_seq() const;                           // the first that is still here
  std::uint64_t synced_seq() const;                          // items below it may be sent
  bool finished() const;                                     // the last one is Finished, and synced
  std::optional<std::string> read(std::uint64_t seq) const;  // an Item message; none where it is not here or not synced
  void acknowledged(std::uint64_t below_seq);                // all items below it are durable elsewhere

  // Deletes it. Later appends are ignored: the job that makes them is being killed.
  void remove();

 private:
  struct Place {
    std::uint64_t segment;  // its first seq, which is its name
    std::uint64_t offset;   // of the text
    std::uint32_t length;
  };
  struct Segment;

  Spool(std::filesystem::path folder, protocol::Assign assign);
  std::filesystem::path segment_path(std::uint64_t first) const;
  void start_segment(std::uint64_t first);
  void recover();
  // Takes what is whole of it into the index and cuts off the rest; false: it was cut.
  bool recover_segment(std::uint64_t first);
  bool note_frame(std::uint64_t segment, std::uint64_t offset, std::string_view text);
  void drop_segments_before(std::uint64_t first);

  const std::filesystem::path folder_;
  const protocol::Assign assign_;

  mutable std::mutex mutex_;
  exec::Fd file_;                       // of the last segment
  std::deque<std::uint64_t> segments_;  // first seq of each, ascending
  std::uint64_t segment_bytes_ = 0;     // written to the last
  std::deque<Place> places_;            // of the items from first_ on
  std::uint64_t first_ = 0;
  std::uint64_t synced_ = 0;
  bool finished_appended_ = false;
  bool finished_ = false;
  bool removed_ = false;
};

// All spools below `folder`, oldest first; what is no spool is deleted and logged.
std::vector<std::shared_ptr<Spool>> open_spools(const std::filesystem::path& folder);

}  // namespace smgate::agent
