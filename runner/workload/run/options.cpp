#include "runner/workload/run/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <tuple>

#include "runner/workload/device/emulated.hpp"
#include "runner/workload/run/config.hpp"

namespace smgate::workload {

namespace {

constexpr std::uint32_t kStepsMax = 1'000'000;  // a typing mistake, not a run
constexpr std::uint32_t kBatchMax = 65'536;     // as much
constexpr std::uint64_t kRowsMax = 1u << 20;    // 600 GB of fp32 logits at the incident's vocabulary: no device's step

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string join(const std::vector<std::string_view>& names) {
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  return list;
}

template <class Number>
bool parse_number(const std::string& text, Number& value) {
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ec == std::errc() && end.ptr == text.data() + text.size() && !text.empty();
}

// Options whose value changes the configuration wait until the scale is known.
struct Pending {
  std::string scale = "tiny";
  std::string fault;
  std::string control = from_environment("SMGATE_CONTROL");
  std::string steps;
  std::string steps_max = from_environment("SMGATE_STEPS_MAX");
  std::string seed;
  std::string learning_rate;
  std::string lora_rank;
  std::string compiler;
  std::string batch;
  std::string seq;
  std::string math;
  std::string backend = "auto";
};

struct ValueOption {
  const char* name;
  std::string* target;
};

Outcome<Pending> read_arguments(int argc, char** argv, Options& options) {
  Pending pending;
  const ValueOption values[] = {
      {"--scale", &pending.scale},     {"--fault", &pending.fault},         {"--steps", &pending.steps},
      {"--seed", &pending.seed},       {"--lr", &pending.learning_rate},    {"--compiler", &pending.compiler},
      {"--control", &pending.control}, {"--lora-rank", &pending.lora_rank}, {"--arch", &options.arch},
      {"--out", &options.out},         {"--events", &options.events},       {"--batch", &pending.batch},
      {"--seq", &pending.seq},         {"--math", &pending.math},           {"--backend", &pending.backend},
      {"--target", &options.target},   {"--weights", &options.weights},     {"--disk-cache", &options.disk_cache},
      {"--dump", &options.dump}};
  const std::pair<const char*, bool*> flags[] = {
      {"--json", &options.json}, {"--strict", &options.strict},           {"--profile", &options.profile},
      {"--help", &options.help}, {"--list-faults", &options.list_faults}, {"--list-controls", &options.list_controls}};
  for (int i = 1; i < argc; ++i) {
    bool known = false;
    for (const auto& [name, flag] : flags) {
      if (std::strcmp(argv[i], name) == 0) *flag = known = true;
    }
    for (const ValueOption& value : values) {
      if (std::strcmp(argv[i], value.name) != 0) continue;
      if (i + 1 == argc) return Failure{std::string(value.name) + " wants a value"};
      *value.target = argv[++i];
      known = true;
      break;
    }
    if (!known) return Failure{"unknown option " + std::string(argv[i])};
  }
  return pending;
}

// Empty where all is well.
std::string apply_numbers(const Pending& pending, RunConfig& config) {
  std::uint32_t steps_max = kStepsMax;
  for (const auto& [name, text, value] :
       {std::tuple{"--steps", &pending.steps, &config.steps}, {"SMGATE_STEPS_MAX", &pending.steps_max, &steps_max}}) {
    if (!text->empty() && (!parse_number(*text, *value) || *value < 1 || *value > kStepsMax)) {
      return std::string(name) + " wants a whole number from 1 to " + std::to_string(kStepsMax) + ", not " + *text;
    }
  }
  // A bound is no default: whoever sets it has no time for more, whatever the command line asks for.
  config.steps = std::min(config.steps, steps_max);
  // Events carry the seed as a JSON integer that every reader can hold.
  constexpr std::uint64_t kSeedMax = std::numeric_limits<std::int64_t>::max();
  if (!pending.seed.empty() && (!parse_number(pending.seed, config.seed) || config.seed > kSeedMax)) {
    return "--seed wants a whole number from 0 to " + std::to_string(kSeedMax) + ", not " + pending.seed;
  }
  if (!pending.learning_rate.empty() && (!parse_number(pending.learning_rate, config.learning_rate) ||
                                         !std::isfinite(config.learning_rate) || config.learning_rate < 0.0f)) {
    return "--lr wants a number from 0 up, not " + pending.learning_rate;
  }
  if (!pending.lora_rank.empty() &&
      (!parse_number(pending.lora_rank, config.lora_rank) || config.lora_rank > config.student.hidden)) {
    return "--lora-rank wants a whole number from 0 to the student's width, " + std::to_string(config.student.hidden) +
           ", not " + pending.lora_rank;
  }
  return "";
}

// Empty where all is well.
std::string apply_batch(const Pending& pending, RunConfig& config) {
  const std::uint32_t positions = config.student.max_position_embeddings;
  for (const auto& [name, text, value, max] : {std::tuple{"--batch", &pending.batch, &config.batch, kBatchMax},
                                               {"--seq", &pending.seq, &config.seq, positions}}) {
    if (!text->empty() && (!parse_number(*text, *value) || *value < 1 || *value > max)) {
      return std::string(name) + " wants a whole number from 1 to " + std::to_string(max) + ", not " + *text;
    }
  }
  // A step's logits are counted in 32 bits on a device, a row at a time; its rows here.
  if (std::uint64_t{config.batch} * config.seq > kRowsMax) {
    return "--batch times --seq is " + std::to_string(std::uint64_t{config.batch} * config.seq) + ", more than the " +
           std::to_string(kRowsMax) + " positions a step may have";
  }
  return "";
}

// Empty where all is well.
std::string apply_fault(const Pending& pending, bool weighted, RunConfig& config) {
  if (pending.fault.empty()) return "";
  const auto fault = fault_named(pending.fault);
  if (!fault) return "unknown fault " + pending.fault + " (" + join(fault_names()) + ")";
  if (*fault == Fault::kAprWeights && weighted) return "fault apr-weights brings its own weights; leave out --weights";
  config = with_fault(config, *fault);
  return "";
}

std::string apply_control(const Pending& pending, RunConfig& config) {
  if (pending.control.empty()) return "";
  const auto control = control_named(pending.control);
  if (!control) return "unknown control " + pending.control + " (" + join(control_names()) + ")";
  config = with_control(config, *control);
  if (pending.steps.empty()) config.steps = std::min(config.steps, kControlSteps);
  return "";
}

std::string apply_compiler(const Pending& pending, Options& options) {
  // A control is about what the contract sees, not about the compiler: it does not pay for one where none is needed.
  const std::string unsaid = pending.control.empty() || options.config.gpu ? "auto" : "none";
  const std::string& name = pending.compiler.empty() ? unsaid : pending.compiler;
  if (name == "auto") {
    options.compiler = CompilerChoice::kAuto;
  } else if (name == "nvrtc") {
    options.compiler = CompilerChoice::kNvrtc;
  } else if (name == "none") {
    if (options.config.gpu) return "--compiler none leaves a GPU without kernels: take auto, nvrtc or --backend cpu";
    options.compiler = CompilerChoice::kNone;
  } else {
    return "unknown compiler " + name + " (auto, nvrtc, none)";
  }
  return "";
}

std::string check_emulated(const Options& options, const std::string& no_gpu) {
  const std::string why = no_gpu.empty() ? "" : "; no GPU: " + no_gpu;
  if (options.arch.empty()) return "no architecture: give --arch or set SMGATE_ARCH (" + emulated_archs() + ")" + why;
  if (find_emulated(options.arch) == nullptr) {
    return "no device for " + options.arch + ": this build can play " + emulated_archs() + why;
  }
  if (options.config.scale == "seed") {
    return "scale seed wants a GPU: on the CPU back end its 62 steps would take days; take --scale small" + why;
  }
  return "";
}

// Empty where the GPU is taken, else why it is not.
std::string choose_gpu(const std::string& backend, const GpuProbe& gpu, Options& options) {
  if (backend == "cpu") return "--backend cpu";
  const auto arch = gpu();
  if (!arch) return arch.error();
  if (!options.arch.empty() && options.arch != arch.value()) return "the device here is " + arch.value();
  options.arch = arch.value();
  options.config.gpu = true;
  return "";
}

std::string apply_backend(const Pending& pending, const GpuProbe& gpu, Options& options) {
  const std::string& backend = pending.backend;
  if (backend != "auto" && backend != "cpu" && backend != "cuda") {
    return "unknown back end " + backend + " (auto, cpu, cuda)";
  }
  const std::string no_gpu = choose_gpu(backend, gpu, options);
  if (options.config.gpu) return "";
  if (backend == "cuda") {
    return "--backend cuda" + (options.arch.empty() ? "" : " for " + options.arch) + " has no device: " + no_gpu;
  }
  return check_emulated(options, backend == "cpu" ? "" : no_gpu);
}

std::string apply_math(const Pending& pending, RunConfig& config) {
  config.math = config.gpu ? Math::kBf16 : Math::kFp32;
  if (pending.math.empty()) return "";
  const auto math = math_named(pending.math);
  if (!math) return "unknown math mode " + pending.math + " (" + join(math_names()) + ")";
  if (!config.gpu && *math != Math::kFp32)
    return "the CPU back end computes in fp32; --math " + pending.math + " wants a GPU";
  config.math = *math;
  return "";
}

}  // namespace

Outcome<Options> parse_options(int argc, char** argv, const GpuProbe& gpu) {
  Options options{};
  options.arch = from_environment("SMGATE_ARCH");
  options.events = from_environment("SMGATE_EVENTS");
  options.out = "smoke-out";
  const auto pending = read_arguments(argc, argv, options);
  if (!pending) return Failure{pending.error()};
  if (options.help || options.list_faults || options.list_controls) return options;
  const auto config = config_of_scale(pending.value().scale);
  if (!config) return Failure{"unknown scale " + pending.value().scale + " (" + known_scales() + ")"};
  options.config = *config;
  RunConfig& run = options.config;
  for (const std::string& error :
       {apply_numbers(pending.value(), run), apply_batch(pending.value(), run),
        apply_backend(pending.value(), gpu, options), apply_compiler(pending.value(), options),
        apply_math(pending.value(), run), apply_fault(pending.value(), !options.weights.empty(), run),
        apply_control(pending.value(), run)}) {
    if (!error.empty()) return Failure{error};
  }
  return options;
}

std::string usage() {
  return "smgate-smoke: distils a small teacher into a student and reports what its kernel cache does\n"
         "  --arch ARCH       architecture of the device, or to play: " +
         emulated_archs() +
         " (default: SMGATE_ARCH)\n"
         "  --backend NAME    auto (a GPU where its architecture is the one asked for), cpu, cuda (default: auto)\n"
         "  --scale NAME      " +
         known_scales() +
         " (default: tiny)\n"
         "  --steps N         (default: the scale's; at most SMGATE_STEPS_MAX, where that is set)\n"
         "  --batch N --seq N (default: the scale's)\n"
         "  --math MODE       " +
         join(math_names()) +
         " (default: bf16; of the CPU back end fp32)\n"
         "  --seed N --lr X\n"
         "  --lora-rank N     train adapters of this rank alone (default: 0, every weight)\n"
         "  --dump DIR        writes both checkpoints, the batch, step 0's logits and gradients, and the losses, for\n"
         "                    tests/gpu/compare_transformers.py\n"
         "  --weights DIR     checkpoints in DIR/teacher and DIR/student (default: seeded weights)\n"
         "  --compiler NAME   auto (NVRTC where it is found), nvrtc, none (default: auto; of a control none, on a "
         "CPU)\n"
         "  --target ARCH     architecture to compile for (default: the device's)\n"
         "  --disk-cache DIR  keep compiled kernels there; the run is then not attested cold\n"
         "  --strict          a compile after pre-warm fails the run\n"
         "  --events DIR      where events are written (default: SMGATE_EVENTS; unset: nowhere)\n"
         "  --out DIR         where weights and checkpoint go (default: smoke-out)\n"
         "  --fault NAME      make a defect on purpose; --list-faults names them\n"
         "  --control NAME    a run of " +
         std::to_string(kControlSteps) + " steps that must not pass: " + join(control_names()) +
         "\n"
         "                    (default: SMGATE_CONTROL; --list-controls names them)\n"
         "  --profile         print on stderr what each part of the run took, and on a GPU each operation of a step\n"
         "  --json            print the summary as one JSON object\n"
         "exit code: 0 trained, 1 the run failed, 2 usage\n";
}

}  // namespace smgate::workload
