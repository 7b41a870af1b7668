// What the workload's tests share: a run in this process with its events, and the parts of a run put together by hand.
// Needs GoogleTest alone, so that these tests also build where the workload builds by itself.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "runner/workload/cache/compiler.hpp"
#include "runner/workload/device/emulated.hpp"
#include "runner/workload/run/config.hpp"
#include "runner/workload/run/cpu_trainer.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::workload::test {

using smgate::test::Scratch;

// The lines of the one file of events in a folder.
inline std::vector<std::string> event_lines(const std::filesystem::path& folder) {
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) lines.push_back(line);
  }
  return lines;
}

// The value of a field as it stands in the line, without a string's quotes; empty where it is absent.
inline std::string field(const std::string& line, const std::string& name) {
  const std::string start = "\"" + name + "\":";
  const auto found = line.find(start);
  if (found == std::string::npos) return "";
  const auto value = found + start.size();
  if (line[value] == '"') return line.substr(value + 1, line.find('"', value + 1) - value - 1);
  return line.substr(value, line.find_first_of(",}", value) - value);
}

inline std::vector<std::string> of_kind(const std::vector<std::string>& lines, const std::string& kind) {
  std::vector<std::string> found;
  for (const std::string& line : lines) {
    if (field(line, "ev") == kind) found.push_back(line);
  }
  return found;
}

// Those of a kind whose field has a value.
inline std::vector<std::string> with(const std::vector<std::string>& lines, const std::string& kind,
                                     const std::string& name, const std::string& value) {
  std::vector<std::string> found;
  for (const std::string& line : of_kind(lines, kind)) {
    if (field(line, name) == value) found.push_back(line);
  }
  return found;
}

struct SmokeRun {
  int exit_code;
  std::vector<std::string> events;

  std::vector<std::string> of(const std::string& kind) const { return of_kind(events, kind); }
  std::vector<std::string> misses() const { return with(events, "lookup", "hit", "false"); }
  double loss(std::size_t step) const { return std::stod(field(of("step").at(step), "loss")); }
  double last_loss() const { return loss(of("step").size() - 1); }
};

inline SmokeRun smoke(std::vector<std::string> arguments, const PrewarmList& prewarm = builtin_prewarm()) {
  const Scratch scratch;
  arguments.insert(arguments.begin(), "smgate-smoke");
  for (const std::string& extra : {std::string("--json"), std::string("--events"), (scratch / "events").string(),
                                   std::string("--out"), (scratch / "out").string()}) {
    arguments.push_back(extra);
  }
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  const int code = smoke_main(static_cast<int>(argv.size()), argv.data(), prewarm);
  return SmokeRun{
      code, std::filesystem::exists(scratch / "events") ? event_lines(scratch / "events") : std::vector<std::string>{}};
}

// A fault at tiny scale; bodies stay source, for speed.
inline SmokeRun faulty(const std::string& fault, const std::string& arch, const std::string& steps = "3") {
  return smoke({"--compiler", "none", "--arch", arch, "--fault", fault, "--steps", steps});
}

// The parts of a run, reporting into a folder.
class Parts {
 public:
  explicit Parts(const std::string& arch = "sm_89", std::unique_ptr<Compiler> compiler = source_compiler(),
                 KernelCacheOptions options = {})
      : writer_(scratch_.path().string()),
        compiler_(std::move(compiler)),
        backend_(*find_emulated(arch), writer_),
        cache_("kernels", *compiler_, backend_, writer_, std::move(options)) {}

  events::Writer& writer() { return writer_; }
  EmulatedBackend& backend() { return backend_; }
  KernelCache& cache() { return cache_; }
  std::vector<std::string> events() const { return event_lines(scratch_.path()); }

 private:
  Scratch scratch_;
  events::Writer writer_;
  std::unique_ptr<Compiler> compiler_;
  EmulatedBackend backend_;
  KernelCache cache_;
};

// Both models loaded with seeded weights, ready to step.
inline CpuTrainer ready_trainer(const RunConfig& config, Parts& parts) {
  CpuTrainer trainer(config, parts.cache(), parts.backend(), parts.writer());
  trainer.prewarm(builtin_prewarm());
  const auto teacher = seeded_weights(trainer.teacher_layout(), config.seed + 1, kTeacherDeviation);
  const auto student = seeded_weights(trainer.student_layout(), config.seed + 2, kStudentDeviation);
  trainer.upload_teacher(FloatWeights(trainer.teacher_layout(), teacher));
  trainer.upload_student(FloatWeights(trainer.student_layout(), student));
  trainer.allocate_training(make_batch(config));
  return trainer;
}

// A model small enough for sanitized builds, with the odd head counts kept.
inline RunConfig small_config() {
  RunConfig config = *config_of_scale("tiny");
  config.batch = 2;
  config.seq = 6;
  for (ModelShape* model : {&config.teacher, &config.student}) model->vocab = 48;
  config.student.intermediate = 40;
  config.teacher.intermediate = 40;
  return config;
}

}  // namespace smgate::workload::test
