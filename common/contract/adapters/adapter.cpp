#include "common/contract/adapters/adapter.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "common/contract/adapters/registry.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

// Like chunk.find_first_of("\n\r"), at the speed of memchr.
std::size_t line_end(std::string_view chunk) {
  const auto* newline = static_cast<const char*>(std::memchr(chunk.data(), '\n', chunk.size()));
  const std::size_t end = newline == nullptr ? chunk.size() : static_cast<std::size_t>(newline - chunk.data());
  const auto* redraw = static_cast<const char*>(std::memchr(chunk.data(), '\r', end));
  if (redraw != nullptr) return static_cast<std::size_t>(redraw - chunk.data());
  return newline == nullptr ? std::string_view::npos : end;
}

}  // namespace

struct Adapter::Process {
  Process(const LogPosition& log, ProcessId id) : out(log, id) {}
  LogOutput out;
  std::vector<std::unique_ptr<LogReader>> readers;
};

Adapter::Adapter(const AdapterSpec& spec, std::string log_name, EventSink sink)
    : spec_(spec),
      patterns_(std::make_unique<PatternSet>(spec.patterns)),
      log_{std::move(log_name), std::move(sink), 1, {}} {
  assert(is_adapter(spec_.name));
}

Adapter::~Adapter() = default;

void Adapter::feed(std::string_view chunk) {
  while (!chunk.empty()) {
    // A carriage return redraws a progress bar: what follows is a line of its own.
    const std::size_t end = line_end(chunk);
    const std::string_view part = chunk.substr(0, end);
    line_bytes_ += part.size();
    line_ += part.substr(0, kLogLineBytesMax - std::min(line_.size(), kLogLineBytesMax));
    if (end == std::string_view::npos) return;
    const bool newline = chunk[end] == '\n';
    end_line();
    if (newline) ++log_.line;
    chunk.remove_prefix(end + 1);
  }
}

void Adapter::finish() {
  end_line();
  if (!log_.manifest.empty() && std::none_of(processes_.begin(), processes_.end(),
                                             [](const auto& entry) { return entry.second->out.started(); })) {
    RunStart start;
    start.workload = spec_.name;
    process({}).out.emit(std::move(start));
  }
  for (auto& [id, process] : processes_)
    for (const auto& reader : process->readers) reader->on_end();
}

void Adapter::end_line() {
  if (line_.empty()) return;
  const bool cut = line_bytes_ > line_.size();
  if (cut && cut_lines_++ < kCutLineNotesMax) {
    LogOutput& out = process({}).out;
    out.emit(
        Note{fmt::format("a line of {} bytes: the adapter read its first {}", line_bytes_, line_.size()), out.at()});
  }
  const bool escapes = line_.find('\x1B') != std::string::npos;
  if (!escapes && is_utf8(line_))
    read(line_);
  else
    read(valid_utf8(without_ansi(line_)));
  line_.clear();
  line_bytes_ = 0;
}

void Adapter::read(std::string_view line) {
  Process& process = this->process(take_process(line));
  if (line.empty()) return;
  for (const auto& reader : process.readers) reader->on_line(line);
  if (says_failure(line)) process.out.emit(ErrorText{std::string(line), process.out.at()});
}

// Lines of more processes than a host runs are read as the first one's.
Adapter::Process& Adapter::process(const ProcessId& id) {
  const auto known = processes_.find(id);
  if (known != processes_.end()) return *known->second;
  if (processes_.size() >= kProcessesMax && id != ProcessId{}) return process({});
  auto made = std::make_unique<Process>(log_, id);
  made->readers = make_readers(spec_, *patterns_, made->out);
  return *processes_.emplace(id, std::move(made)).first->second;
}

}  // namespace smgate::contract
