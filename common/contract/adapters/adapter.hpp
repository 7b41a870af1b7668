// Turns the text log of a program that reports no events into events, as it streams by: splits it into lines, takes
// escapes, invalid UTF-8 and rank prefixes off them, and gives the lines of each process to readers of its own
// (reader.hpp). Memory is bounded whatever the log holds. An adapter says what the log shows and nothing else; what a
// log cannot show stays unknown, and unknown never passes. Used by the runner and by `smgate-runner check`. One thread
// each.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/contract/adapters/reader.hpp"
#include "common/contract/adapters/spec.hpp"
#include "common/contract/event.hpp"
#include "common/contract/facts.hpp"

namespace smgate::contract {

// Longer than any line that an adapter understands; the rest of a longer one is dropped, with a note.
inline constexpr std::size_t kLogLineBytesMax = 64U << 10U;
inline constexpr std::uint64_t kCutLineNotesMax = 16;  // a binary file fed by mistake is told once, not a million times

class PatternSet;

class Adapter {
 public:
  // `log_name` stands in the events' `at`, as name:line. The spec must be one that read_adapter_spec accepts.
  Adapter(const AdapterSpec& spec, std::string log_name, EventSink sink);
  ~Adapter();
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  // What a manifest declared for the run: travels in run_start's config as "manifest.NAME" (DS-6). Before the first
  // line.
  void declare(std::map<std::string, std::string> manifest) { log_.manifest = std::move(manifest); }
  void feed(std::string_view chunk);  // cut anywhere
  void finish();                      // the log is over; once

 private:
  struct Process;

  void end_line();
  void read(std::string_view line);
  Process& process(const ProcessId& id);

  const AdapterSpec spec_;
  const std::unique_ptr<const PatternSet> patterns_;  // compiled once, for all processes
  LogPosition log_;
  std::string line_;
  std::size_t line_bytes_ = 0;  // what the line has, of which line_ holds the first kLogLineBytesMax
  std::uint64_t cut_lines_ = 0;
  std::map<ProcessId, std::unique_ptr<Process>> processes_;
};

// The adapters there are, for people: name, what it reads, what it cannot know.
struct AdapterInfo {
  std::string_view name, reads, cannot_know;
};
std::vector<AdapterInfo> adapters();

}  // namespace smgate::contract
