// Turns the text log of a program that reports no events into events, as it streams by. Memory is bounded whatever the
// log holds: lines are cut at kLogLineBytesMax. An adapter says what the log shows and nothing else; what a log cannot
// show stays unknown, and unknown never passes. Used by the runner and by `smgate-runner check`. One thread each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/contract/event.hpp"

namespace smgate::contract {

// Longer than any line that an adapter understands; the rest of a longer one is dropped.
inline constexpr std::size_t kLogLineBytesMax = 64U << 10U;

using EventSink = std::function<void(const Event&)>;

class Adapter {
 public:
  // `log_name` stands in the events' `at`, as name:line.
  Adapter(std::string log_name, EventSink sink);
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;
  virtual ~Adapter() = default;

  void feed(std::string_view chunk);  // cut anywhere
  void finish();                      // the log is over; once

  // One line: what logs of this kind cannot show.
  virtual std::string_view cannot_know() const = 0;

 protected:
  // A line without its end, ANSI escapes and invalid UTF-8.
  virtual void on_line(std::string_view line) = 0;
  virtual void on_end() = 0;

  void emit(EventBody body);
  std::string at() const { return at(line_number_); }
  std::string at(std::uint64_t line) const;
  std::uint64_t line_number() const { return line_number_; }

 private:
  void end_line();

  std::string log_name_;
  EventSink sink_;
  std::string line_;
  bool cut_ = false;
  std::uint64_t line_number_ = 1, seq_ = 0;
};

std::vector<std::string> adapter_names();
// Null where there is none of that name.
std::unique_ptr<Adapter> make_adapter(std::string_view name, const std::string& log_name, EventSink sink);

// --- for adapters

// The text between the first `before` and the next `after`; empty where they are not there.
std::string_view between(std::string_view line, std::string_view before, std::string_view after);
std::string without_ansi(std::string_view line);

}  // namespace smgate::contract
