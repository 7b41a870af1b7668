// The log of a stage on its way to the coordinator: gathered into chunks, cut once where it exceeds the job's budget.
// What is cut is still read, so that the stage never blocks on its log. The job's thread.
#pragma once

#include <string>
#include <string_view>

#include "runner/exec/event_tail.hpp"
#include "runner/exec/item_sink.hpp"

namespace smgate::exec {

inline constexpr std::size_t kLogChunk = 64U << 10U;  // a quarter of an item at most: a busy log stays live, too

class LogStream {
 public:
  LogStream(std::string stage, Budget& budget, ItemSink& sink);

  void append(std::string_view bytes);
  // A line of the runner's own, told apart by its prefix.
  void say(const std::string& sentence);
  void flush();

 private:
  std::string stage_;
  Budget& budget_;
  ItemSink& sink_;
  std::string pending_;
};

}  // namespace smgate::exec
