// What an adapter for one kind of log is made of: a reader takes the lines of one process and writes events. Readers
// keep a bounded state and no line. Internal to the adapters.
#pragma once

#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/contract/event.hpp"
#include "common/contract/facts.hpp"

namespace smgate::contract {

using EventSink = std::function<void(const Event&)>;

// Where the log is being read.
struct LogPosition {
  std::string name;
  EventSink sink;
  std::uint64_t line = 1;
  std::map<std::string, std::string> manifest;  // declared values, as JSON
};

// The events of one process: numbered, and pointing at the line being read.
class LogOutput {
 public:
  LogOutput(const LogPosition& log, ProcessId process) : log_(log), process_(process) {}

  void emit(EventBody body);
  std::string at() const { return at(log_.line); }
  std::string at(std::uint64_t line) const;
  std::uint64_t line() const { return log_.line; }
  bool started() const { return started_; }  // a run_start was written

 private:
  std::string with_manifest(const std::string& config_json) const;

  const LogPosition& log_;
  const ProcessId process_;
  std::uint64_t seq_ = 0;
  bool started_ = false;
};

class LogReader {
 public:
  explicit LogReader(LogOutput& out) : out_(out) {}
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;
  virtual ~LogReader() = default;

  // A line without its end, rank prefix, ANSI escapes and invalid UTF-8; never empty.
  virtual void on_line(std::string_view line) = 0;
  virtual void on_end() {}

 protected:
  LogOutput& out_;
};

template <class Reader>
std::unique_ptr<LogReader> make_reader(LogOutput& out) {
  return std::make_unique<Reader>(out);
}

// --- what readers share

inline bool has(std::string_view line, std::string_view words) { return line.find(words) != std::string_view::npos; }

// The text between the first `before` and the next `after`; empty where they are not there.
std::string_view between(std::string_view line, std::string_view before, std::string_view after);
// The word after the first `marker` and spaces, up to a space or one of ,;|/)}' or a quote; empty where it is not
// there.
std::string_view word_after(std::string_view line, std::string_view marker);
std::string_view trimmed(std::string_view text);

// Thousands separators are taken; a sign or a fraction is no count.
std::optional<std::uint64_t> count_in(std::string_view text);
// NaN and infinities by name, too.
std::optional<double> float_in(std::string_view text);

// The settings that a log prints before it trains, and the run_start that they end up in.
class RunConfig {
 public:
  void set(const std::string& name, std::string_view value);  // a number stays a number; anything else is a text
  bool has(const std::string& name) const { return values_.contains(name); }
  std::string json() const;

 private:
  std::map<std::string, std::string> values_;  // as JSON
};

// The names that event.schema.json gives to math modes, for what logs call them; empty where it has none.
std::string_view math_mode(std::string_view name);

// As in sm_89.
bool is_arch_name(std::string_view text);

// A line that says why a program stopped: a CUDA error, or the last line of a Python or Rust stack trace.
bool says_failure(std::string_view line);

std::string without_ansi(std::string_view line);

// The process that a line names at its front, as torchrun's "[rank3]:" or vLLM's "(Worker_TP1 pid=271) " do; that
// prefix is taken off the line. Process 0 of rank 0 where it names none.
ProcessId take_process(std::string_view& line);

}  // namespace smgate::contract
