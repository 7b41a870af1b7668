#include "runner/exec/adapted_log.hpp"

#include "runner/exec/runner_events.hpp"

namespace smgate::exec {
namespace {

constexpr std::size_t kLinesMax = protocol::kItemDataBytesMax / 2;  // put early: a chunk must hold whole lines

}  // namespace

AdaptedLog::AdaptedLog(const std::string& adapter, ItemSink& sink)
    : sink_(sink),
      adapter_(contract::make_adapter(adapter, "log", [this](const contract::Event& event) { add(event); })) {
  if (adapter_ == nullptr) {
    contract::Event event;
    event.source = contract::Source::runner;
    event.body = contract::ErrorText{"this runner knows no log adapter \"" + adapter + "\"", ""};
    add(event);
  }
}

void AdaptedLog::add(const contract::Event& event) {
  const std::string line = contract::to_json_line(event) + "\n";
  if (lines_.size() + line.size() > kLinesMax) flush();
  if (line.size() <= protocol::kItemDataBytesMax) lines_ += line;  // a log line is at most a quarter of it
}

void AdaptedLog::take(std::string_view bytes) {
  if (adapter_ != nullptr) adapter_->feed(bytes);
}

void AdaptedLog::flush() {
  if (lines_.empty()) return;
  sink_.put(protocol::EventChunk{std::string(kAdapterEventsFile), std::move(lines_)});
  lines_.clear();
}

void AdaptedLog::finish() {
  if (adapter_ != nullptr) adapter_->finish();
  flush();
}

}  // namespace smgate::exec
