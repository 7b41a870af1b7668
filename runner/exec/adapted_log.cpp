#include "runner/exec/adapted_log.hpp"

#include <nlohmann/json.hpp>

#include "common/file.hpp"
#include "common/json_reader.hpp"
#include "runner/exec/runner_events.hpp"

namespace smgate::exec {
namespace {

constexpr std::size_t kLinesMax = protocol::kItemDataBytesMax / 2;  // put early: a chunk must hold whole lines
constexpr std::size_t kManifestBytesMax = 1U << 20U;                // written by hand, or by a dispatcher

Result<std::map<std::string, std::string>> read_manifest(const std::filesystem::path& path) {
  const Result<std::string> text = read_file(path, kManifestBytesMax);
  if (!text) return text.error();
  const Result<nlohmann::json> document = parse_json_with_comments(*text);
  if (!document) return document.error();
  return contract::declared_by_manifest(*document);
}

}  // namespace

AdaptedLog::AdaptedLog(const std::string& spec, ItemSink& sink) : sink_(sink) {
  const Result<contract::AdapterSpec> read = contract::adapter_spec_from_text(spec, "adapter");
  if (!read) {
    refuse("this runner cannot read the log: " + read.error().text());
    return;
  }
  manifest_ = read->manifest;
  adapter_ = std::make_unique<contract::Adapter>(*read, "log", [this](const contract::Event& event) { add(event); });
}

// A run that could not be looked into as its gate file asks cannot pass.
void AdaptedLog::refuse(const std::string& what) {
  contract::Event event;
  event.source = contract::Source::runner;
  event.body = contract::RunEnd{"failed", what};
  add(event);
}

void AdaptedLog::begin(const std::filesystem::path& work_tree) {
  if (adapter_ == nullptr || manifest_.empty()) return;
  auto declared = read_manifest(work_tree / manifest_);
  if (declared)
    adapter_->declare(std::move(*declared));
  else
    refuse("the manifest " + manifest_ + " cannot be used: " + declared.error().what);
  manifest_.clear();
}

void AdaptedLog::add(const contract::Event& event) {
  const std::string line = contract::to_json_line(event) + "\n";
  if (lines_.size() + line.size() > kLinesMax) flush();
  if (line.size() <= protocol::kItemDataBytesMax) lines_ += line;  // a gap in the numbering tells of one that is longer
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
