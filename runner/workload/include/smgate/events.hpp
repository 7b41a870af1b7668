// Reports what a GPU program does, as the JSON lines that smgate judges (schemas/event.schema.json): one object a line,
// one file a process, in the folder that the environment variable SMGATE_EVENTS names. Copy this file into any program:
// it needs C++17, POSIX and the standard library alone. Owned by the program that reports; one Writer a process; every
// member may be called from any thread. Where SMGATE_EVENTS is not set a Writer does nothing. Telemetry never stops the
// program that it reports on: a line that cannot be written is counted and told once, on stderr.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace smgate::events {

// The source line of a caller; as the default argument of a last parameter it is the line of the call.
struct Here {
  const char* file = "";
  unsigned line = 0;

  static constexpr Here now(const char* caller_file = __builtin_FILE(), unsigned caller_line = __builtin_LINE()) {
    return Here{caller_file, caller_line};
  }
  // file:line, the file as the compiler was given it, but relative to the folder that the program works in when it
  // first reports (a gated program: its repository) where it lies below that. -fmacro-prefix-map makes others relative.
  std::string text() const {
    static const std::string here = working_folder();
    std::string_view path = file;
    if (!here.empty() && path.substr(0, here.size()) == here) path.remove_prefix(here.size());
    return std::string(path) + ":" + std::to_string(line);
  }

 private:
  // With a slash at its end; empty where there is none, or it is the root of all.
  static std::string working_folder() {
    char folder[4096];
    if (::getcwd(folder, sizeof folder) == nullptr || folder[1] == '\0') return "";
    return std::string(folder) + "/";
  }
};

// Longest texts that the schema takes; what is longer is cut where a character ends.
inline constexpr std::size_t kTextBytesMax = 65536;
inline constexpr std::size_t kNameBytesMax = 4096;

namespace detail {

// Bytes of the well-formed UTF-8 sequence at the front of `text`, 0 where there is none (RFC 3629).
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (first == 0xE0 && byte(1) < 0xA0) return 0;                     // overlong
  if (first == 0xED && byte(1) > 0x9F) return 0;                     // surrogate
  if (first == 0xF0 && byte(1) < 0x90) return 0;                     // overlong
  return first == 0xF4 && byte(1) > 0x8F ? std::size_t{0} : length;  // beyond U+10FFFF
}

inline void append_escaped(std::string& out, char character) {
  switch (character) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(character);
  if (code < 0x20) {
    constexpr char kHex[] = "0123456789abcdef";
    out += "\\u00";
    out += kHex[code >> 4];
    out += kHex[code & 15];
  } else {
    out += character;
  }
}

}  // namespace detail

// A JSON string with its quotes. Bytes that are not UTF-8 become '?', for a compiler's log may hold anything.
inline std::string json_text(std::string_view text, std::size_t bytes_max = kTextBytesMax) {
  std::string out = "\"";
  std::size_t taken = 0;
  while (!text.empty()) {
    const std::size_t length = detail::utf8_length(text);
    if (taken + (length == 0 ? 1 : length) > bytes_max) break;
    if (length == 1) {
      detail::append_escaped(out, text.front());
    } else if (length == 0) {
      out += '?';
    } else {
      out += text.substr(0, length);
    }
    taken += length == 0 ? 1 : length;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out + "\"";
}

// The shortest decimal that reads back as the same double; the schema's words for what JSON has no number for.
inline std::string json_real(double value) {
  if (std::isnan(value)) return "\"NaN\"";
  if (std::isinf(value)) return value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  return std::string(digits, end.ptr);
}
// A float by its own shortest decimal: 1e-06, not 9.999999974752427e-07.
inline std::string json_real(float value) {
  if (!std::isfinite(value)) return json_real(static_cast<double>(value));
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  return std::string(digits, end.ptr);
}

// One event being put together: its kind and the fields beyond those that every event has.
class Event {
 public:
  explicit Event(std::string_view kind) : kind_(kind) {}

  Event& raw(std::string_view name, std::string_view json) {
    fields_ += ",\"";
    fields_ += name;
    fields_ += "\":";
    fields_ += json;
    return *this;
  }
  Event& text(std::string_view name, std::string_view value) { return raw(name, json_text(value)); }
  Event& name(std::string_view name, std::string_view value) { return raw(name, json_text(value, kNameBytesMax)); }
  Event& integer(std::string_view name, std::uint64_t value) { return raw(name, std::to_string(value)); }
  Event& real(std::string_view name, double value) { return raw(name, json_real(value)); }
  Event& flag(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  Event& at(Here here) { return raw("at", json_text(here.text(), kNameBytesMax)); }

  const std::string& kind() const { return kind_; }
  const std::string& fields() const { return fields_; }

 private:
  std::string kind_;
  std::string fields_;
};

class Writer {
 public:
  // An empty folder: nothing is reported.
  explicit Writer(std::string folder) : folder_(std::move(folder)) {
    const char* rank = std::getenv("RANK");  // as torchrun sets it
    if (rank != nullptr) rank_ = std::strtoul(rank, nullptr, 10);
  }
  static Writer from_environment() {
    const char* folder = std::getenv("SMGATE_EVENTS");
    return Writer(folder == nullptr ? "" : folder);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    if (file_ >= 0) ::close(file_);
  }

  bool reports() const { return !folder_.empty(); }

  void emit(const Event& event) {
    if (!reports()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!open_for_this_process()) return;
    std::string line = "{\"ev\":\"" + event.kind() + "\",\"seq\":" + std::to_string(seq_) +
                       ",\"t_ns\":" + std::to_string(monotonic_ns()) + ",\"pid\":" + std::to_string(pid_) +
                       ",\"rank\":" + std::to_string(rank_) + ",\"source\":\"self\"" + event.fields() + "}\n";
    if (write_line(line)) ++seq_;
  }

  void prewarm_begin(std::string_view scope, std::string_view cache, Here at = Here::now()) {
    emit(Event("prewarm_begin").name("scope", scope).name("cache", cache).at(at));
  }
  void prewarm_end(std::string_view scope, std::string_view cache, std::uint64_t claimed, Here at = Here::now()) {
    emit(Event("prewarm_end").name("scope", scope).name("cache", cache).integer("claimed", claimed).at(at));
  }
  void offer(std::string_view scope, std::string_view cache, std::string_view key, std::string_view body,
             Here at = Here::now()) {
    emit(Event("offer").name("scope", scope).name("cache", cache).name("key", key).name("body", body).at(at));
  }
  // `body`: the digest of what the caller would build now, whatever the cache holds.
  void lookup(std::string_view scope, std::string_view cache, std::string_view key, std::string_view body, bool hit,
              Here at = Here::now()) {
    Event event("lookup");
    event.name("scope", scope).name("cache", cache).name("key", key).name("body", body);
    emit(event.flag("hit", hit).at(at));
  }
  void alloc(std::string_view name, std::uint64_t bytes, bool ok, Here at = Here::now()) {
    emit(Event("alloc").name("name", name).integer("bytes", bytes).flag("ok", ok).at(at));
  }
  void memory(std::uint64_t free_bytes, std::uint64_t total_bytes, bool unified) {
    emit(Event("memory").integer("free", free_bytes).integer("total", total_bytes).flag("unified", unified));
  }
  void payload_begin(std::string_view scope, std::uint64_t bytes, Here at = Here::now()) {
    emit(Event("payload_begin").name("scope", scope).integer("bytes", bytes).at(at));
  }
  void payload_end(std::string_view scope, std::uint64_t bytes, Here at = Here::now()) {
    emit(Event("payload_end").name("scope", scope).integer("bytes", bytes).at(at));
  }
  void error(std::string_view text, Here at = Here::now()) { emit(Event("error").text("text", text).at(at)); }
  void note(std::string_view text, Here at = Here::now()) { emit(Event("note").text("text", text).at(at)); }
  void run_end(bool ok, std::string_view symptom) {
    Event event("run_end");
    event.text("status", ok ? "ok" : "failed");
    if (!symptom.empty()) event.text("symptom", symptom);
    emit(event);
  }

 private:
  static std::uint64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000000000u + static_cast<std::uint64_t>(now.tv_nsec);
  }

  // A forked child opens a file of its own: two processes in one file would break its sequence.
  bool open_for_this_process() {
    const long pid = static_cast<long>(::getpid());
    if (pid == pid_) return file_ >= 0;
    if (file_ >= 0) ::close(file_);
    pid_ = pid;
    seq_ = 0;
    ::mkdir(folder_.c_str(), 0777);
    const std::string path =
        folder_ + "/events-" + std::to_string(pid) + "-" + std::to_string(monotonic_ns()) + ".jsonl";
    file_ = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) std::fprintf(stderr, "smgate: cannot write events to %s: %s\n", path.c_str(), std::strerror(errno));
    return file_ >= 0;
  }

  // One write(2) a line, so that a killed program leaves whole lines.
  bool write_line(const std::string& line) {
    const ssize_t written = ::write(file_, line.data(), line.size());
    if (written == static_cast<ssize_t>(line.size())) return true;
    if (!told_) std::fprintf(stderr, "smgate: an event could not be written: %s\n", std::strerror(errno));
    told_ = true;
    return false;
  }

  std::mutex mutex_;
  std::string folder_;
  unsigned long rank_ = 0;
  std::uint64_t seq_ = 0;
  long pid_ = -1;
  int file_ = -1;
  bool told_ = false;
};

}  // namespace smgate::events
