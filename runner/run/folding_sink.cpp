#include "runner/run/folding_sink.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <fstream>
#include <ostream>

#include "common/contract/event.hpp"
#include "common/contract/fold.hpp"
#include "runner/exec/runner_events.hpp"

namespace smgate::run {
namespace {

void append_to(const std::filesystem::path& file, std::string_view bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary | std::ios::app) << bytes;
}

// Where run_parts keeps a part, below the job's folder.
std::filesystem::path folder_of(const std::string& part) {
  if (part.starts_with(contract::kPartControl))
    return std::filesystem::path("controls") / part.substr(contract::kPartControl.size());
  return part == contract::kPartMain ? "" : part;
}

}  // namespace

void FoldingSink::put(protocol::ItemBody body) {
  std::visit([this](const auto& alternative) { take(alternative); }, body);
}

void FoldingSink::flush() { log_.flush(); }

void FoldingSink::take(const protocol::StageBegin& begin) {
  stage_ = begin.stage;
  log_ << fmt::format("--- {}\n", begin.stage);
}

void FoldingSink::take(const protocol::StageEnd& end) {
  log_ << fmt::format("--- {}: {}, {:.1f} s\n", end.stage, protocol::to_string(end.outcome),
                      static_cast<double>(end.duration_ms) / 1000);
}

void FoldingSink::take(const protocol::LogChunk& chunk) {
  stage_ = chunk.stage;  // of a part that tells no StageBegin
  log_ << chunk.bytes;
  if (!keep_.empty()) append_to(keep_ / (chunk.stage + ".log"), chunk.bytes);
}

void FoldingSink::take(const protocol::EventChunk& chunk) {
  const bool ours = chunk.file == exec::kRunnerEventsFile || chunk.file == exec::kAdapterEventsFile;
  if (ours && !keep_.empty()) own_[folder_of(chunk.part) / "events" / stage_ / chunk.file] += chunk.lines;
  contract::Facts& facts = **contract::part(facts_, chunk.part);  // a part that the runner itself has named
  for (std::string_view rest = chunk.lines; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    if (const auto event = contract::parse_event(line))
      contract::fold(facts, *event);
    else
      contract::fold_unreadable(facts, event.error());
  }
}

void FoldingSink::write_own_events() const {
  for (const auto& [file, lines] : own_) append_to(keep_ / file, lines);
}

}  // namespace smgate::run
