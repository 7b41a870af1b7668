#include "runner/exec/event_tail.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <system_error>

#include "common/protocol/names.hpp"

namespace smgate::exec {
namespace {

constexpr std::size_t kBlock = protocol::kItemDataBytesMax;
constexpr std::size_t kIgnoredMax = 1024;  // files told as ignored; a workload may make any number

bool is_regular(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

EventTail::EventTail(std::filesystem::path folder, Budget& budget, ItemSink& sink, RunnerEvents& own)
    : folder_(std::move(folder)), budget_(budget), sink_(sink), own_(own) {}

void EventTail::poll() {
  find_files();
  for (auto& [name, file] : files_) follow(name, file, false);
}

void EventTail::finish() {
  find_files();
  for (auto& [name, file] : files_) follow(name, file, true);
}

void EventTail::find_files() {
  std::error_code gone;  // a workload may remove its folder; then there is nothing new
  for (std::filesystem::directory_iterator it(folder_, gone), end; !gone && it != end; it.increment(gone)) {
    const std::string name = it->path().filename().string();
    if (it->path().extension() == ".jsonl" && !files_.contains(name) && !ignored_.contains(name)) open_file(name);
  }
}

void EventTail::open_file(const std::string& name) {
  if (name == kRunnerEventsFile || name == kAdapterEventsFile) return ignore(name, "its name belongs to the runner");
  if (!protocol::is_plain_name(name, protocol::kEventFileNameMax))
    return ignore(name, "its name is not made of at most 128 letters, digits, '.', '_' and '-'");
  if (files_.size() >= kEventFilesMax) return ignore(name, "there are " + std::to_string(kEventFilesMax) + " already");
  // No link: it could lead to a file of the host's. Not blocking: it could be a fifo.
  Fd fd(open((folder_ / name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd || !is_regular(fd.get())) return ignore(name, "it is no regular file");
  files_[name].fd = std::move(fd);
}

void EventTail::ignore(const std::string& name, const std::string& why) {
  if (ignored_.size() > kIgnoredMax) return;
  ignored_.insert(name);
  own_.error("the events file \"" + name + "\" was not read: " + why);
}

void EventTail::follow(const std::string& name, File& file, bool last) {
  while (take_block(name, file, last)) {
  }
}

// False: no more to take now.
bool EventTail::take_block(const std::string& name, File& file, bool last) {
  std::string block(kBlock, '\0');
  const ssize_t got = pread(file.fd.get(), block.data(), block.size(), static_cast<off_t>(file.offset));
  if (got <= 0) return false;
  block.resize(static_cast<std::size_t>(got));
  if (file.inside_long_line) {
    const std::size_t end = block.find('\n');
    file.inside_long_line = end == std::string::npos;
    file.offset += file.inside_long_line ? block.size() : end + 1;
    return true;
  }
  const std::size_t end = block.rfind('\n');
  if (end == std::string::npos && block.size() == kBlock) {
    file.inside_long_line = true;
    own_.error("events file " + name + ": a line at byte " + std::to_string(file.offset) + " is longer than " +
               std::to_string(kBlock) + " bytes and was left out");
    return true;
  }
  if (end == std::string::npos && !last) return false;
  if (end != std::string::npos) block.resize(end + 1);
  file.offset += block.size();
  put(name, std::move(block));
  return true;
}

void EventTail::put(const std::string& name, std::string lines) {
  if (lines.size() > budget_.bytes_left) {
    if (!budget_.told) own_.error("the job wrote more events than the runner passes on; the rest was left out");
    budget_.told = true;
    budget_.bytes_left = 0;
    return;
  }
  budget_.bytes_left -= lines.size();
  sink_.put(protocol::EventChunk{name, std::move(lines)});
}

}  // namespace smgate::exec
