// Reports what a GPU program does, as the JSON lines that smgate judges (schemas/event.schema.json): one object a line,
// one file a process, in the folder that the environment variable SMGATE_EVENTS names. Copy this file and
// events_text.hpp into any program: they need C++17, POSIX and the standard library alone (nvcc takes them, too). Owned
// by the program that reports; one Writer a process; every member may be called from any thread, and in a child that
// was forked while another thread reported. Where SMGATE_EVENTS is not set a Writer does nothing. Telemetry never stops
// the program that it reports on: a line that cannot be written is told once, on stderr, and leaves a gap in the
// numbering, by which the gate knows.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "smgate/events_text.hpp"

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

// 128 bits that tell bodies apart (the source or image of a kernel). Not for input that somebody chose to collide.
inline std::string digest(Text bytes) {
  std::uint64_t a = detail::kHashStart, b = ~detail::kHashStart;
  detail::hash_on(a, bytes);
  detail::hash_on(b, bytes);
  return detail::hex_of(a) + detail::hex_of(b);
}

// What `memory` takes as free on a device that shares the host's memory: MemAvailable. 0 where it cannot be read.
inline std::uint64_t host_memory_available() {
  std::ifstream info("/proc/meminfo");
  std::uint64_t kilobytes = 0;
  for (std::string word; info >> word;) {
    if (word == "MemAvailable:" && info >> kilobytes) break;
  }
  return kilobytes * 1024;
}

// One event being put together: its kind and the fields beyond those that every event has.
class Event {
 public:
  explicit Event(Text kind) : kind_(kind) {}

  Event& raw(Text name, Text json) {
    fields_ += ",\"";
    fields_ += name;
    fields_ += "\":";
    fields_ += json;
    return *this;
  }
  Event& text(Text name, Text value) { return raw(name, json_text(value)); }
  Event& name(Text name, Text value) { return raw(name, json_text(value, kNameBytesMax)); }
  Event& integer(Text name, std::uint64_t value) { return raw(name, std::to_string(value)); }
  template <class Float>
  Event& real(Text name, Float value) {
    return raw(name, json_real(value));
  }
  Event& text_if(Text name, Text value) { return value.empty() ? *this : text(name, value); }
  Event& flag(Text name, bool value) { return raw(name, value ? "true" : "false"); }
  Event& at(Here here) { return raw("at", json_text(here.text(), kNameBytesMax)); }

  const std::string& kind() const { return kind_; }
  const std::string& fields() const { return fields_; }
  std::string object() const { return "{" + (fields_.empty() ? "" : fields_.substr(1)) + "}"; }

 private:
  std::string kind_;
  std::string fields_;
};

namespace detail {

// What the gate asks of a batch: how the hash of the whole prefix up to a position goes with the label there.
class BatchSummary {
 public:
  void add(bool starts_row, std::int64_t input, std::int64_t label) {
    if (starts_row) prefix_ = kHashStart;
    hash_on(prefix_, std::to_string(input) + ",");
    hash_on(whole_, std::to_string(input) + "," + std::to_string(label) + ",");
    ++labels_of_[prefix_][label];
    labels_.insert(label);
    ++positions_;
  }
  Event event(bool frozen) const {
    std::uint64_t conflicting = 0;
    double nats = 0;
    for (const auto& [input, counts] : labels_of_) {
      double total = 0;
      for (const auto& [label, count] : counts) total += count;
      if (counts.size() > 1) conflicting += static_cast<std::uint64_t>(total);
      for (const auto& [label, count] : counts) nats += count * std::log(total / count);
    }
    Event summary("");
    summary.integer("positions", positions_).integer("distinct_inputs", labels_of_.size());
    summary.integer("distinct_labels", labels_.size()).integer("conflicting_positions", conflicting);
    summary.real("label_entropy_nats", nats / std::max(static_cast<double>(positions_), 1.0));
    return Event("batch").flag("frozen", frozen).text("digest", hex_of(whole_)).raw("summary", summary.object());
  }

 private:
  std::uint64_t prefix_ = kHashStart, whole_ = kHashStart, positions_ = 0;
  std::map<std::uint64_t, std::map<std::int64_t, double>> labels_of_;
  std::set<std::int64_t> labels_;
};

}  // namespace detail

// What a run declares of itself: Config().integer("steps", 62).integer("batch_size", 4).real("learning_rate", 1.5e-5f)
struct Config : Event {
  Config() : Event("") {}
};

struct RunStart {
  std::string workload, version;
  std::string arch, device;  // sm_89, and the device's name
  bool emulated = false;     // no such device: something else plays it
  bool cold = false;         // true: no disk cache can have served a kernel. false: nothing is said
};

struct Compiled {
  std::string target;  // sm_89 of a cubin, compute_89 of PTX
  std::uint64_t bytes = 0;
  double ms = 0;
  bool ok = true;
  std::string log = {};
};

struct Checkpoint {
  std::string path, claimed_container;  // safetensors, apr or gguf
  bool whole = false, finite = false;   // as it was read back
  std::uint64_t tensors = 0, tensors_changed = 0;
};

class Writer {
 public:
  // An empty folder: nothing is reported.
  explicit Writer(std::string folder) : folder_(std::move(folder)) {
    const char* rank = std::getenv("RANK");  // as torchrun sets it
    if (rank != nullptr) rank_ = std::strtoul(rank, nullptr, 10);
    (void)Here::now().text();  // where the program works when it first reports
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
    const std::lock_guard<detail::ForkSafeLock> lock(lock_);
    if (!open_for_this_process()) return;
    std::string line = "{\"ev\":\"" + event.kind() + "\",\"seq\":" + std::to_string(seq_) +
                       ",\"t_ns\":" + std::to_string(monotonic_ns()) + ",\"pid\":" + std::to_string(pid_) +
                       ",\"rank\":" + std::to_string(rank_) + ",\"source\":\"self\"" + event.fields() + "}\n";
    write_line(line);
    ++seq_;
  }

  void run_start(const RunStart& start, const Event& config, Here at = Here::now()) {
    Event event("run_start");
    event.name("workload", start.workload).text("version", start.version).raw("config", config.object());
    event.text("arch", start.arch).text("device", start.device).flag("emulated", start.emulated);
    if (start.cold) event.flag("cold", true);
    emit(event.at(at));
  }

  void prewarm_begin(Text scope, Text cache, Here at = Here::now()) {
    emit(Event("prewarm_begin").name("scope", scope).name("cache", cache).at(at));
  }
  void prewarm_end(Text scope, Text cache, std::uint64_t claimed, Here at = Here::now()) {
    emit(Event("prewarm_end").name("scope", scope).name("cache", cache).integer("claimed", claimed).at(at));
  }
  void offer(Text scope, Text cache, Text key, Text body, Here at = Here::now()) {
    emit(Event("offer").name("scope", scope).name("cache", cache).name("key", key).name("body", body).at(at));
  }
  // `body`: the digest of what the caller would build now, whatever the cache holds.
  void lookup(Text scope, Text cache, Text key, Text body, bool hit, Here at = Here::now()) {
    Event event("lookup");
    event.name("scope", scope).name("cache", cache).name("key", key).name("body", body);
    emit(event.flag("hit", hit).at(at));
  }
  void compile(Text cache, Text key, Text body, const Compiled& compiled, Here at = Here::now()) {
    Event event("compile");
    event.name("cache", cache).name("key", key).name("body", body).text("target", compiled.target);
    event.integer("bytes", compiled.bytes).real("ms", compiled.ms).flag("ok", compiled.ok);
    emit(event.text_if("log", compiled.log).at(at));
  }
  // `module`: the digest of the image; not native: PTX that the driver compiles.
  void load(Text module, Text cache, Text key, Text target, std::uint64_t bytes, bool native, Here at = Here::now()) {
    Event event("load");
    event.name("module", module).name("cache", cache).name("key", key).text("target", target);
    emit(event.integer("bytes", bytes).flag("native", native).at(at));
  }
  void unload(Text module, Text cache, Text key, Here at = Here::now()) {
    emit(Event("unload").name("module", module).name("cache", cache).name("key", key).at(at));
  }
  void alloc(Text name, std::uint64_t bytes, bool ok, Here at = Here::now()) {
    emit(Event("alloc").name("name", name).integer("bytes", bytes).flag("ok", ok).at(at));
  }
  // As cudaMemGetInfo says; on a unified device free is host_memory_available().
  void memory(std::uint64_t free_bytes, std::uint64_t total_bytes, bool unified, Here at = Here::now()) {
    emit(Event("memory").integer("free", free_bytes).integer("total", total_bytes).flag("unified", unified).at(at));
  }
  void payload_begin(Text scope, std::uint64_t bytes, Here at = Here::now()) {
    emit(Event("payload_begin").name("scope", scope).integer("bytes", bytes).at(at));
  }
  void payload_end(Text scope, std::uint64_t bytes, Here at = Here::now()) {
    emit(Event("payload_end").name("scope", scope).integer("bytes", bytes).at(at));
  }
  // `rows` sequences of `columns` tokens; labels[i] is what the model must say after inputs[i]. frozen: every step
  // trains on this very batch.
  template <class Token>
  void batch(const Token* inputs, const Token* labels, std::size_t rows, std::size_t columns, bool frozen,
             Here at = Here::now()) {
    detail::BatchSummary summary;
    for (std::size_t i = 0; i < rows * columns; ++i) {
      summary.add(i % columns == 0, static_cast<std::int64_t>(inputs[i]), static_cast<std::int64_t>(labels[i]));
    }
    emit(summary.event(frozen).at(at));
  }
  void step(std::uint64_t index, double loss, double grad_norm, std::uint64_t tokens, double ms,
            Here at = Here::now()) {
    Event event("step");
    event.integer("step", index).real("loss", loss).real("grad_norm", grad_norm).integer("tokens", tokens);
    emit(event.real("ms", ms).at(at));
  }
  // Of a distillation: loss = alpha * ce + (1 - alpha) * T^2 * kl.
  void kd_step(std::uint64_t index, double loss, double ce, double kl, double grad_norm, std::uint64_t tokens,
               double ms, Here at = Here::now()) {
    Event event("step");
    event.integer("step", index).real("loss", loss).real("ce", ce).real("kl", kl).real("grad_norm", grad_norm);
    emit(event.integer("tokens", tokens).real("ms", ms).at(at));
  }
  // `claimed`: the container that the reader takes the file for. `error`: why it could not be read; else empty.
  void weights(Text scope, const std::string& path, Text claimed, Text error, Here at = Here::now()) {
    std::uint64_t bytes = 0;
    const std::string container = detail::container_of(path, bytes);
    Event event("weights");
    event.name("scope", scope).text("path", path).text("claimed_container", claimed);
    emit(event.text_if("container", container).text_if("text", error).flag("ok", error.empty()).at(at));
  }
  void checkpoint(const Checkpoint& saved, Here at = Here::now()) {
    std::uint64_t bytes = 0;
    const std::string container = detail::container_of(saved.path, bytes);
    Event event("checkpoint");
    event.text("path", saved.path).text("claimed_container", saved.claimed_container);
    event.text_if("container", container)
        .integer("bytes", bytes)
        .flag("whole", saved.whole)
        .integer("tensors", saved.tensors);
    emit(event.integer("tensors_changed", saved.tensors_changed).flag("finite", saved.finite).at(at));
  }
  void error(Text text, Here at = Here::now()) { emit(Event("error").text("text", text).at(at)); }
  void note(Text text, Here at = Here::now()) { emit(Event("note").text("text", text).at(at)); }
  void run_end(bool ok, Text symptom, Here at = Here::now()) {
    emit(Event("run_end").text("status", ok ? "ok" : "failed").text_if("symptom", symptom).at(at));
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
    seq_ = bytes_ = 0;
    ::mkdir(folder_.c_str(), 0777);
    const std::string path =
        folder_ + "/events-" + std::to_string(pid) + "-" + std::to_string(monotonic_ns()) + ".jsonl";
    file_ = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) std::fprintf(stderr, "smgate: cannot write events to %s: %s\n", path.c_str(), std::strerror(errno));
    return file_ >= 0;
  }

  // One write(2) a line, so that a killed program leaves whole lines; a full disk, too.
  void write_line(const std::string& line) {
    const ssize_t written = ::write(file_, line.data(), line.size());
    if (written == static_cast<ssize_t>(line.size())) {
      bytes_ += line.size();
      return;
    }
    const char* why = written < 0 ? std::strerror(errno) : "the disk is full";
    if (written > 0 && ::ftruncate(file_, static_cast<off_t>(bytes_)) != 0) why = "the disk is full, and a line broken";
    if (!told_) std::fprintf(stderr, "smgate: an event could not be written: %s\n", why);
    told_ = true;
  }

  detail::ForkSafeLock lock_;
  std::string folder_;
  unsigned long rank_ = 0;
  std::uint64_t seq_ = 0, bytes_ = 0;
  long pid_ = -1;
  int file_ = -1;
  bool told_ = false;
};

}  // namespace smgate::events
