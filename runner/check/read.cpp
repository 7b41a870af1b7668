// Files into facts: a line at a time, so that a million events need no more memory than their facts.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/contract/adapters/adapter.hpp"
#include "common/contract/fold.hpp"
#include "common/file.hpp"
#include "common/gate/gate_file.hpp"
#include "common/json_reader.hpp"
#include "runner/check/check.hpp"

namespace smgate::check {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPolicyBytesMax = 1U << 20U;  // written by hand
constexpr std::size_t kChunkBytes = 64U << 10U;

// The events of one file. A last line without its newline that does not parse is a process that was killed while it
// wrote; any other bad line makes the file unusable.
class EventFile {
 public:
  EventFile(std::string path, std::optional<Error>& failed)
      : path_(std::move(path)), in_(path_, std::ios::binary), failed_(failed) {
    if (!in_) failed_ = Error{"cannot be read", path_, "give files or folders of *.jsonl"};
  }

  std::optional<contract::Event> next() {
    while (!failed_ && read_line()) {
      ++number_;
      const bool last = !ended_;
      if (!line_.empty() && line_.back() == '\r') line_.pop_back();
      if (line_.empty()) continue;
      Result<contract::Event> event = line_bytes_ > contract::kEventLineBytesMax ? Result<contract::Event>(too_long())
                                                                                 : contract::parse_event(line_);
      if (event) return std::move(*event);
      const Error& error = event.error();
      if (last)
        cut_ = Error{error.what, fmt::format("{}:{}", path_, number_), ""};
      else
        failed_ = Error{error.what, fmt::format("{}:{}", path_, number_), error.next};
      return std::nullopt;
    }
    if (!failed_ && in_.bad()) failed_ = Error{"reading failed", path_, ""};
    return std::nullopt;
  }
  const std::optional<Error>& cut() const { return cut_; }

 private:
  // False at the end of the file. Of a line that is too long only the beginning is kept.
  bool read_line() {
    line_.clear();
    line_bytes_ = 0;
    ended_ = false;
    while (!ended_) {
      if (rest_.empty() && !read_chunk()) return line_bytes_ > 0;
      const std::size_t end = rest_.find('\n');
      const std::string_view part = rest_.substr(0, end);
      line_ += part.substr(0, contract::kEventLineBytesMax - std::min(line_.size(), contract::kEventLineBytesMax));
      line_bytes_ += part.size();
      ended_ = end != std::string_view::npos;
      rest_.remove_prefix(ended_ ? end + 1 : part.size());
    }
    return true;
  }
  bool read_chunk() {
    chunk_.resize(kChunkBytes);
    in_.read(chunk_.data(), static_cast<std::streamsize>(chunk_.size()));
    rest_ = std::string_view(chunk_).substr(0, static_cast<std::size_t>(in_.gcount()));
    return !rest_.empty();
  }
  Error too_long() const {
    return {fmt::format("a line of {} bytes; the limit is {}", line_bytes_, contract::kEventLineBytesMax), "",
            "send large batches as a summary"};
  }

  std::string path_;
  std::ifstream in_;
  std::string chunk_, line_;
  std::string_view rest_;         // of the chunk
  std::uint64_t line_bytes_ = 0;  // of the line as it stands in the file
  bool ended_ = false;            // by a newline
  std::uint64_t number_ = 0;
  std::optional<Error> cut_;
  std::optional<Error>& failed_;
};

Result<std::vector<std::string>> files_of(const std::vector<std::string>& paths, bool logs) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) return Error{"there is no such file or folder", path, ""};
    if (!fs::is_directory(status)) {
      files.push_back(path);
      continue;
    }
    if (logs) return Error{"is a folder", path, "an adapter reads log files: name them"};
    const std::size_t before = files.size();
    for (const fs::directory_entry& entry : fs::directory_iterator(path, error))
      if (entry.path().extension() == ".jsonl") files.push_back(entry.path().string());
    if (error) return Error{"cannot be listed: " + error.message(), path, ""};
    if (files.size() == before) return Error{"holds no *.jsonl", path, "did the workload honour SMGATE_EVENTS?"};
    std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
  }
  return files;
}

Result<contract::Facts> read_events(const std::vector<std::string>& paths) {
  std::optional<Error> failed;
  std::vector<std::unique_ptr<EventFile>> files;
  std::vector<contract::EventSource> sources;
  for (const std::string& path : paths) {
    files.push_back(std::make_unique<EventFile>(path, failed));
    sources.push_back([file = files.back().get()] { return file->next(); });
  }
  contract::Facts facts;
  contract::merge(std::move(sources), [&](const contract::Event& event) { contract::fold(facts, event); });
  if (failed) return *failed;
  for (const auto& file : files)
    if (file->cut()) contract::fold_unreadable(facts, *file->cut());
  return facts;
}

Result<contract::Facts> read_logs(const std::vector<std::string>& paths, const contract::AdapterSpec& spec) {
  contract::Facts facts;
  for (const std::string& path : paths) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{"cannot be read", path, ""};
    contract::Adapter adapter(spec, fs::path(path).filename().string(),
                              [&](const contract::Event& event) { contract::fold(facts, event); });
    std::string chunk(kChunkBytes, '\0');
    while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0)
      adapter.feed(std::string_view(chunk).substr(0, static_cast<std::size_t>(in.gcount())));
    if (in.bad()) return Error{"reading failed", path, ""};
    adapter.finish();
  }
  return facts;
}

}  // namespace

Result<contract::Facts> read_facts(const Options& options) {
  const Result<std::vector<std::string>> files = files_of(options.paths, options.adapter.has_value());
  if (!files) return files.error();
  return options.adapter ? read_logs(*files, *options.adapter) : read_events(*files);
}

Result<contract::Policy> read_policy_file(const std::string& path) {
  const Result<std::string> text = read_file(path, kPolicyBytesMax);
  if (!text) return text.error();
  const Result<nlohmann::json> document = parse_json_with_comments(*text);
  if (!document) return Error{document.error().text(), path, "correct the JSON"};
  return contract::policy_from_json(*document, path);
}

std::optional<Error> read_manifest(const std::string& path, contract::Policy& policy) {
  const Result<std::string> text = read_file(path, kPolicyBytesMax);
  if (!text) return text.error();
  const Result<nlohmann::json> document = parse_json_with_comments(*text);
  if (!document) return Error{document.error().text(), path, "correct the JSON"};
  if (!document->is_object()) return Error{"is no JSON object", path, ""};
  policy.declared.merge(contract::declared_by_manifest(*document));  // what the policy declares counts first
  return std::nullopt;
}

Result<contract::AdapterSpec> adapter_named(const std::string& name) {
  return contract::adapter_spec_from_text(nlohmann::json{{"name", name}}.dump(), "--adapter " + name);
}

std::optional<Error> read_gate(const std::string& path, Options& options, contract::Policy& policy) {
  const Result<std::string> text = read_file(path, kGateFileBytesMax);
  if (!text) return text.error();
  Result<GateFile> gate = parse_gate_file(*text, path);
  if (!gate) return gate.error();
  policy = std::move(gate->policy);
  options.adapter = std::move(gate->adapter);
  if (options.manifest_file.empty() && options.adapter && !options.adapter->manifest.empty())
    options.manifest_file = (fs::path(path).parent_path() / options.adapter->manifest).string();
  return std::nullopt;
}

}  // namespace smgate::check
