// The program: reads top to bottom as a run goes.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>

#include "runner/workload/cache/compile_pool.hpp"
#include "runner/workload/cache/compiler.hpp"
#include "runner/workload/cache/disk_cache.hpp"
#include "runner/workload/device/gpu.hpp"
#include "runner/workload/run/config.hpp"
#include "runner/workload/run/dump.hpp"
#include "runner/workload/run/machine.hpp"
#include "runner/workload/run/options.hpp"
#include "runner/workload/run/phases.hpp"
#include "runner/workload/run/run_weights.hpp"

namespace smgate::workload {

namespace {

constexpr const char* kVersion = "0.1.0";
struct Summary {
  double initial_loss = 0.0;
  double final_loss = 0.0;
  std::uint64_t late_compiles = 0;
  std::uint64_t modules = 0;
};

std::unique_ptr<Compiler> choose_compiler(CompilerChoice choice, std::string& note) {
  if (choice == CompilerChoice::kNone) return source_compiler();
  auto found = open_nvrtc();
  if (found) return std::move(found.value());
  if (choice == CompilerChoice::kNvrtc) throw RunFailure(found.error());
  note = found.error();
  return source_compiler();
}

// What the events have no field for: a device's speed is not to be judged without it. Asking takes a while on a fresh
// host, so it goes on beside other work.
void report_gpu(events::Writer& writer, const Outcome<HostGpus>& host) {
  if (!host || host.value().gpus.empty()) return;
  const GpuFacts& gpu = host.value().gpus.front();
  writer.note("driver for CUDA " + host.value().driver + "; " + gpu.name + ", " +
              std::to_string(gpu.memory_bytes >> 20) + " MiB" + (gpu.unified ? " unified" : "") +
              "; clocks: " + gpu.clocks);
}

void report_start(events::Writer& writer, const Options& options, const DeviceInfo& device, const Compiler& compiler,
                  const std::string& note) {
  events::Event event("run_start");
  event.text("workload", "smgate-smoke").text("version", kVersion).raw("config", config_json(options.config));
  event.text("arch", device.arch).text("device", device.name).flag("emulated", device.emulated);
  // Without a cache on disk every kernel is compiled in this process.
  if (options.disk_cache.empty()) event.flag("cold", true);
  writer.emit(event.text("compiler", compiler.describe()));
  if (!compiler.real()) {
    writer.note("kernels are not compiled: bodies and modules are digests of source text" +
                (note.empty() ? note : "; " + note));
  }
}

void load_models(Trainer& trainer, events::Writer& writer, RunWeights& weights) {
  const std::uint64_t teacher_bytes = trainer.teacher_payload_bytes();
  writer.payload_begin("teacher", teacher_bytes);
  trainer.upload_teacher(*weights.load_teacher(writer, trainer.teacher_layout()));
  writer.payload_end("teacher", teacher_bytes);
  const std::uint64_t student_bytes = trainer.student_payload_bytes();
  writer.payload_begin("student", student_bytes);
  weights.load_student(writer, trainer.student_layout());
  trainer.upload_student(weights.student());
  writer.payload_end("student", student_bytes);
}

void report_step(events::Writer& writer, const RunConfig& config, std::uint32_t index, const StepResult& result,
                 double ms, bool quiet) {
  events::Event event("step");
  event.integer("step", index).real("loss", result.loss).real("ce", result.ce).real("kl", result.kl);
  writer.emit(event.real("grad_norm", result.grad_norm).integer("tokens", config.rows()).real("ms", ms));
  if (quiet) return;
  std::printf("step %u/%u | loss %.6f | ce %.6f | kl %.6f | norm %.4f | %.1f ms\n", index, config.steps, result.loss,
              result.ce, result.kl, result.grad_norm, ms);
  std::fflush(stdout);
}

void train(Trainer& trainer, events::Writer& writer, const Options& options, Dump& dump, Summary& summary) {
  for (std::uint32_t index = 0; index < options.config.steps; ++index) {
    const auto start = std::chrono::steady_clock::now();
    const StepResult result = trainer.step(index);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    report_step(writer, options.config, index, result, took.count(), options.json);
    dump.step(trainer, index, result.loss);
    if (index == 0) summary.initial_loss = result.loss;
    summary.final_loss = result.loss;
  }
}

// The compiler and the library of products are large files, which are read while the driver starts. Whoever needs one
// waits for it, and says what is wrong with it.
struct LibrariesAhead {
  void open() {
    compiler = std::async(std::launch::async, [] { static_cast<void>(open_nvrtc()); });
    products = std::async(std::launch::async, [] { static_cast<void>(find_cublaslt()); });
  }
  std::future<void> compiler, products;
};

// A GPU's kernels wait for nothing but the compiler.
void compile_ahead(KernelCache& cache, const RunConfig& config, const PrewarmList& prewarm) {
  if (!config.gpu || config.control == Control::kNoPrewarm) return;
  cache.compile_ahead([&] {
    for (const PrewarmList::Warm warm : {prewarm.teacher, prewarm.student, prewarm.student_backward}) {
      warm(cache, config);
    }
  });
}

Summary run(Options options, const PrewarmList& prewarm, events::Writer& writer) {
  Phases phases;
  std::string note;
  auto opening = std::async(std::launch::async, [&] { return choose_compiler(options.compiler, note); });
  auto gpus = options.config.gpu ? std::async(std::launch::async, list_gpus) : std::future<Outcome<HostGpus>>();
  const auto machine = open_machine(options, writer);
  const auto compiler = opening.get();
  phases.done("device and compiler opened");
  Device& device = machine->device();
  RunWeights weights(options);
  // The incident's cache compiled without a word.
  events::Writer mute("");
  const auto disk = options.disk_cache.empty() ? nullptr : std::make_unique<DiskCache>(options.disk_cache);
  KernelCache cache("kernels", *compiler, device, options.config.fault == Fault::kSilentCache ? mute : writer,
                    {disk.get(), options.target, options.strict, compiler->real() ? compile_threads() : 0});
  compile_ahead(cache, options.config, prewarm);
  report_start(writer, options, device.info(), *compiler, note);
  weights.prepare(writer);
  device.report_memory();
  phases.done("start reported");
  const auto trainer = machine->trainer(options.config, cache, writer);
  phases.done("trainer made");
  trainer->prewarm(prewarm);
  if (gpus.valid()) report_gpu(writer, gpus.get());
  phases.done("pre-warm");
  load_models(*trainer, writer, weights);
  const Batch batch = make_batch(options.config);
  trainer->allocate_training(batch);
  device.report_memory();
  writer.emit(batch_event(batch));
  phases.done("payload");

  const auto checkpoint = weights.begin_checkpoint(*trainer);
  Summary summary;
  Dump dump(options.dump, options.config);
  dump.start(*trainer, batch);
  train(*trainer, writer, options, dump, summary);
  dump.finish();
  phases.done(std::to_string(options.config.steps) + " steps");
  weights.write_checkpoint(writer, *trainer, *checkpoint);
  phases.done("checkpoint");
  if (options.profile) std::fputs((phases.table() + trainer->profile()).c_str(), stderr);
  summary.late_compiles = cache.late_compiles();
  summary.modules = cache.modules();
  return summary;
}

void print_summary(const Options& options, const Summary& summary) {
  if (options.json) {
    std::printf(
        "{\"arch\":%s,\"emulated\":%s,\"steps\":%u,\"initial_loss\":%s,\"final_loss\":%s,"
        "\"modules\":%llu,\"late_compiles\":%llu}\n",
        events::json_text(options.arch).c_str(), options.config.gpu ? "false" : "true", options.config.steps,
        events::json_real(summary.initial_loss).c_str(), events::json_real(summary.final_loss).c_str(),
        static_cast<unsigned long long>(summary.modules), static_cast<unsigned long long>(summary.late_compiles));
    return;
  }
  std::printf("smgate-smoke: %u steps on %s%s: loss %.4f to %.4f; %llu kernels\n", options.config.steps,
              options.arch.c_str(), options.config.gpu ? "" : " (emulated)", summary.initial_loss, summary.final_loss,
              static_cast<unsigned long long>(summary.modules));
}

int print_lines(const std::vector<std::string_view>& lines) {
  for (const std::string_view line : lines) std::printf("%s\n", std::string(line).c_str());
  return 0;
}

int usage_error(const std::string& text) {
  std::fprintf(stderr, "smgate-smoke: %s\nsmgate-smoke --help tells the options\n", text.c_str());
  return 2;
}

// A Writer lets the program that it reports on go on without events. This program is there to report.
std::string why_no_events(const std::string& folder) {
  if (folder.empty()) return "";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error && ::access(folder.c_str(), W_OK | X_OK) != 0) error.assign(errno, std::generic_category());
  if (!error) return "";
  return "cannot write events into " + folder + ": " + error.message() + "; give --events or SMGATE_EVENTS a folder";
}

int run_reported(const Options& options, const PrewarmList& prewarm) {
  events::Writer writer(options.events);
  try {
    const Summary summary = run(options, prewarm, writer);
    writer.run_end(true, "");
    print_summary(options, summary);
    return 0;
  } catch (const RunFailure& failure) {
    writer.error(failure.what());
    writer.run_end(false, failure.what());
    std::fflush(stdout);
    std::fprintf(stderr, "smgate-smoke: %s\n", failure.what());
    return 1;
  }
}

}  // namespace

int smoke_main(int argc, char** argv, const PrewarmList& prewarm) {
  // NVRTC and the driver keep caches of their own in the user's home, which would serve a run that calls itself cold.
  ::setenv("CUDA_CACHE_DISABLE", "1", 1);
  LibrariesAhead libraries;
  const auto options = parse_options(argc, argv, [&] {
    libraries.open();
    return gpu_arch();
  });
  if (!options) return usage_error(options.error());
  if (options.value().help) {
    std::fputs(usage().c_str(), stdout);
    return 0;
  }
  if (options.value().list_faults) return print_lines(fault_names());
  if (options.value().list_controls) return print_lines(control_names());
  const PrewarmList builtin = builtin_prewarm();
  if (made_in_prewarm(options.value().config.fault) && prewarm.teacher != builtin.teacher) {
    return usage_error("this fault is made in the built-in pre-warm list; this program brings its own");
  }
  const std::string trouble = why_no_events(options.value().events);
  return trouble.empty() ? run_reported(options.value(), prewarm) : usage_error(trouble);
}

int smoke_main(int argc, char** argv) { return smoke_main(argc, argv, builtin_prewarm()); }

}  // namespace smgate::workload
