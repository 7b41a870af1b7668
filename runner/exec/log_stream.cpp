#include "runner/exec/log_stream.hpp"

#include <algorithm>

namespace smgate::exec {

LogStream::LogStream(std::string stage, Budget& budget, ItemSink& sink)
    : stage_(std::move(stage)), budget_(budget), sink_(sink) {}

void LogStream::append(std::string_view bytes) {
  const bool cut = bytes.size() > budget_.bytes_left;
  bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), budget_.bytes_left)));
  budget_.bytes_left -= bytes.size();
  pending_ += bytes;
  if (cut && !budget_.told) {
    budget_.told = true;
    say("the log was cut here: the job has printed more than the runner passes on");
  }
  if (pending_.size() >= kLogChunk) flush();
}

void LogStream::say(const std::string& sentence) {
  if (!pending_.empty() && pending_.back() != '\n') pending_ += '\n';
  pending_ += "[smgate] " + sentence + "\n";
}

void LogStream::flush() {
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const std::string_view chunk = rest.substr(0, protocol::kItemDataBytesMax);
    sink_.put(protocol::LogChunk{stage_, std::string(chunk)});
    rest.remove_prefix(chunk.size());
  }
  pending_.clear();
}

}  // namespace smgate::exec
