#include "runner/exec/checkpoint_watch.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <variant>

#include "runner/exec/fd.hpp"
#include "runner/workload/files/weights_look.hpp"

namespace smgate::exec {
namespace {

namespace fs = std::filesystem;

struct Opened {
  Fd file;
  std::uint64_t bytes = 0;
  bool missing = false;
  std::string text;  // why it was not opened
};

// Component by component from the folder on, along no link: what is opened lies in it, whoever changes names meanwhile.
Fd open_below(const fs::path& folder, const fs::path& relative) {
  Fd at(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (auto part = relative.begin(); at && part != relative.end(); ++part) {
    const bool last = std::next(part) == relative.end();
    // Not blocking: it could be a fifo.
    const int flags = last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY;
    at = Fd(openat(at.get(), part->c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
  }
  return at;
}

Opened open_checkpoint(const std::string& name, const CheckpointWatch::Place& place) {
  Opened opened;
  std::error_code error;
  const fs::path real = fs::canonical(place.work_tree / name, error);  // an absolute name stands for itself
  opened.missing = error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  if (error) {
    opened.text = "it cannot be found: " + error.message();
    return opened;
  }
  opened.text = "it lies outside of the job's folders and was not read";
  for (const fs::path& folder : place.folders) {
    const fs::path top = fs::canonical(folder, error);
    const fs::path relative = error ? fs::path("..") : real.lexically_relative(top);
    if (relative.empty() || *relative.begin() == ".." || *relative.begin() == ".") continue;
    opened.file = open_below(top, relative);
    struct stat status {};
    const bool regular = opened.file && fstat(opened.file.get(), &status) == 0 && S_ISREG(status.st_mode);
    opened.text = regular ? "" : "it is no regular file that can be read";
    opened.bytes = regular ? static_cast<std::uint64_t>(status.st_size) : 0;
    if (!regular) opened.file.reset();
    break;
  }
  return opened;
}

std::size_t read_at(int file, std::uint64_t offset, char* into, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = pread(file, into + done, count - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

contract::Checkpoint look_at(const contract::Checkpoint& reported, const Opened& opened,
                             const std::function<bool()>& stop) {
  contract::Checkpoint seen;
  seen.path = reported.path;
  seen.claimed_container = reported.claimed_container;
  seen.text = opened.text;
  if (opened.missing || (opened.file && opened.bytes == 0)) seen.container = "none";
  if (opened.missing || opened.file) seen.bytes = opened.bytes;
  if (!opened.file || opened.bytes == 0) return seen;
  const workload::ReadAt read = [&](std::uint64_t offset, char* into, std::size_t count) {
    return read_at(opened.file.get(), offset, into, count);
  };
  const workload::WeightsLook look = workload::look_at_weights(opened.bytes, read, stop);
  seen.container = look.container;
  seen.whole = look.whole;
  seen.finite = look.finite;
  seen.tensors = look.tensors;
  seen.text = look.text;
  return seen;
}

}  // namespace

void CheckpointWatch::put(protocol::ItemBody body) {
  if (const auto* chunk = std::get_if<protocol::EventChunk>(&body)) note(chunk->lines);
  sink_.put(std::move(body));
}

void CheckpointWatch::note(std::string_view lines) {
  constexpr std::string_view kName = "\"checkpoint\"";  // most chunks have none, and are not taken apart
  for (std::size_t at = lines.find(kName); at != std::string_view::npos; at = lines.find(kName)) {
    const std::size_t begin = lines.rfind('\n', at) + 1;  // npos + 1: the first line
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    const Result<contract::Event> event = contract::parse_event(lines.substr(begin, end - begin));
    lines.remove_prefix(end);
    const auto* reported = event ? std::get_if<contract::Checkpoint>(&event->body) : nullptr;
    if (reported == nullptr) continue;
    std::erase_if(reported_, [&](const contract::Checkpoint& other) { return other.path == reported->path; });
    if (reported_.size() >= kCheckpointsMax) reported_.erase(reported_.begin());
    reported_.push_back(*reported);
  }
}

void CheckpointWatch::tell(const Place& place, const std::function<bool()>& stop, RunnerEvents& own) {
  for (const contract::Checkpoint& reported : reported_) {
    if (stop()) break;
    const Opened opened = open_checkpoint(reported.path, place);
    if (opened.missing && &reported != &reported_.back()) continue;
    own.checkpoint(look_at(reported, opened, stop));
  }
  reported_.clear();
}

}  // namespace smgate::exec
