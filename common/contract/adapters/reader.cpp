#include "common/contract/adapters/reader.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

namespace smgate::contract {
namespace {

constexpr std::string_view kWordEnds = " \t,;|/)}'\"";
constexpr std::size_t kConfigMaxInLog = 64;  // settings an adapter knows by name; a hostile log cannot add others
constexpr std::size_t kProcessPrefixMax = 96;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number at the front of `text`, which is taken off it.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
  return value;
}

// [rank3]: and [default3]: , of torchrun.
std::optional<std::uint64_t> take_rank(std::string_view& line) {
  std::string_view rest = line;
  if (rest.starts_with("[rank"))
    rest.remove_prefix(5);
  else if (rest.starts_with("[default"))
    rest.remove_prefix(8);
  else
    return std::nullopt;
  const std::optional<std::uint64_t> rank = take_number(rest);
  if (!rank || !rest.starts_with("]:")) return std::nullopt;
  rest.remove_prefix(rest.starts_with("]: ") ? 3 : 2);
  line = rest;
  return rank;
}

// (EngineCore_DP0 pid=271) , of vLLM.
std::optional<std::uint64_t> take_pid(std::string_view& line) {
  const std::size_t end = line.substr(0, kProcessPrefixMax).find(')');
  if (!line.starts_with('(') || end == std::string_view::npos) return std::nullopt;
  const std::string_view inside = line.substr(1, end - 1);
  const std::size_t at = inside.find(" pid=");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view number = inside.substr(at + 5);
  const std::optional<std::uint64_t> pid = take_number(number);
  if (!pid || !number.empty()) return std::nullopt;
  line.remove_prefix(end + 1);
  return pid;
}

}  // namespace

void LogOutput::emit(EventBody body) {
  Event event;
  event.seq = seq_++;
  event.t_ns = log_.line;  // a log without times: its order is all there is
  event.pid = process_.pid;
  event.rank = process_.rank;
  event.source = Source::adapter;
  event.body = std::move(body);
  if (RunStart* start = std::get_if<RunStart>(&event.body)) {
    started_ = true;
    start->config_json = with_manifest(start->config_json);
  }
  const auto cite = [this](auto& any) {
    if (any.at.empty()) any.at = at();
  };
  std::visit(cite, event.body);
  log_.sink(event);
}

std::string LogOutput::with_manifest(const std::string& config_json) const {
  if (log_.manifest.empty()) return config_json;
  nlohmann::json config = nlohmann::json::parse(config_json, nullptr, false);
  if (!config.is_object()) config = nlohmann::json::object();
  for (const auto& [name, value] : log_.manifest)
    config["manifest"][name] = nlohmann::json::parse(value, nullptr, false);
  return config.dump();
}

std::string LogOutput::at(std::uint64_t line) const { return log_.name + ":" + std::to_string(line); }

std::string_view between(std::string_view line, std::string_view before, std::string_view after) {
  const std::size_t start = line.find(before);
  if (start == std::string_view::npos) return {};
  line.remove_prefix(start + before.size());
  const std::size_t end = line.find(after);
  return end == std::string_view::npos ? std::string_view{} : line.substr(0, end);
}

std::string_view word_after(std::string_view line, std::string_view marker) {
  const std::size_t start = line.find(marker);
  if (start == std::string_view::npos) return {};
  line.remove_prefix(start + marker.size());
  line.remove_prefix(std::min(line.find_first_not_of(" \t'\""), line.size()));
  return line.substr(0, line.find_first_of(kWordEnds));
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

std::optional<std::uint64_t> count_in(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != ',' && c != '_') digits += c;
  std::string_view rest = digits;
  const std::optional<std::uint64_t> value = take_number(rest);
  return rest.empty() ? value : std::nullopt;
}

std::optional<double> float_in(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

void RunConfig::set(const std::string& name, std::string_view value) {
  if (value.empty() || (values_.size() >= kConfigMaxInLog && !values_.contains(name))) return;
  nlohmann::json json = std::string(value);
  if (const std::optional<std::uint64_t> count = count_in(value))
    json = *count;
  else if (const std::optional<double> number = float_in(value); number && *number - *number == 0)  // finite
    json = *number;
  values_[name] = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string RunConfig::json() const {
  std::string text = "{";
  for (const auto& [name, value] : values_) {
    if (text.size() > 1) text += ',';
    text += nlohmann::json(name).dump() + ":" + value;
  }
  return text + "}";
}

std::string_view math_mode(std::string_view name) {
  constexpr std::array<std::array<std::string_view, 2>, 8> kNames = {{{"BF16", "bf16"},
                                                                      {"bfloat16", "bf16"},
                                                                      {"FP16", "fp16"},
                                                                      {"float16", "fp16"},
                                                                      {"FP32", "fp32"},
                                                                      {"float32", "fp32"},
                                                                      {"TF32", "tf32"},
                                                                      {"bf16", "bf16"}}};
  for (const auto& [known, mode] : kNames)
    if (name == known) return mode;
  return {};
}

bool is_arch_name(std::string_view text) {
  if (!text.starts_with("sm_")) return false;
  text.remove_prefix(3);
  if (text.ends_with('a') || text.ends_with('f')) text.remove_suffix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

bool says_failure(std::string_view line) {
  for (const std::string_view words : {"CUDA_ERROR_", "CUDA error:", "CUDA out of memory", "panicked at"})
    if (has(line, words)) return true;
  // A Python exception: a dotted name that ends so, then a colon.
  const std::string_view name = line.substr(0, line.find_first_of(": "));
  const bool is_name = std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
  });
  return is_name && line.size() > name.size() && line[name.size()] == ':' &&
         (name.ends_with("Error") || name.ends_with("Exception"));
}

// ECMA-48: CSI is ESC [ parameters final; OSC is ESC ] text BEL or ESC \ ; the rest are two characters.
std::string without_ansi(std::string_view line) {
  std::string clean;
  clean.reserve(line.size());
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\x1B') {
      clean += line[i];
      continue;
    }
    const char kind = i + 1 < line.size() ? line[i + 1] : '\0';
    ++i;
    if (kind == '[')
      while (++i < line.size() && (line[i] < '@' || line[i] > '~')) continue;
    else if (kind == ']')
      while (++i < line.size() && line[i] != '\a' && line[i] != '\\') continue;
  }
  return clean;
}

ProcessId take_process(std::string_view& line) {
  ProcessId id;
  if (const std::optional<std::uint64_t> rank = take_rank(line)) id.rank = *rank;
  while (take_rank(line)) continue;  // torch repeats the rank in a traceback that torchrun has marked already
  std::string_view rest = line;
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  if (const std::optional<std::uint64_t> pid = take_pid(rest)) {
    id.pid = *pid;
    line = rest;
  }
  return id;
}

}  // namespace smgate::contract
