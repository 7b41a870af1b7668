// Sinks and observers that remember, for tests of what runs a job.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "runner/exec/child.hpp"
#include "runner/exec/item_sink.hpp"

namespace smgate::test {

class RecordingSink : public exec::ItemSink {
 public:
  void put(protocol::ItemBody body) override { items.push_back(std::move(body)); }
  void flush() override { ++flushes; }

  template <class Body>
  std::vector<Body> all() const {
    std::vector<Body> found;
    for (const protocol::ItemBody& item : items)
      if (const auto* body = std::get_if<Body>(&item)) found.push_back(*body);
    return found;
  }
  std::string log() const {
    std::string text;
    for (const auto& chunk : all<protocol::LogChunk>()) text += chunk.bytes;
    return text;
  }
  std::string events(const std::string& file) const {
    std::string text;
    for (const auto& chunk : all<protocol::EventChunk>())
      if (chunk.file == file) text += chunk.lines;
    return text;
  }

  std::vector<protocol::ItemBody> items;
  int flushes = 0;
};

class RecordingObserver : public exec::ChildObserver {
 public:
  void output(std::string_view bytes) override { text += bytes; }
  void tick() override { ++ticks; }

  std::string text;
  int ticks = 0;
};

// Cancels when the script has printed a word: no test waits for a time.
class CancelAtWord final : public RecordingObserver {
 public:
  explicit CancelAtWord(exec::Cancellation& cancellation) : cancellation_(cancellation) {}
  void output(std::string_view bytes) override {
    RecordingObserver::output(bytes);
    if (text.find("ready") != std::string::npos) cancellation_.request(exec::StopReason::cancelled, "superseded");
  }

 private:
  exec::Cancellation& cancellation_;
};

}  // namespace smgate::test
