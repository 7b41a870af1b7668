// A trainer whose kernels are compiled at run time, gated by smgate: it trains a table of bigrams on one frozen batch.
// No GPU is needed: the host's compiler stands where NVRTC would, dlopen where cuModuleLoadData would, and the run says
// that it is emulated. Everything that the gate asks for is one line beginning with `report.`
//
//   g++ -std=c++17 -O1 -I. train.cpp -o train -ldl        (beside it, from smgate: smgate/events.hpp, events_text.hpp)
#include <dlfcn.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "smgate/events.hpp"

namespace events = smgate::events;

constexpr int kVocab = 32, kRows = 2, kColumns = 12, kSteps = 30;
constexpr float kSmoothing = 1e-3f, kRate = 2.0f;
const char* const kScope = "bigrams";
using Milliseconds = std::chrono::duration<double, std::milli>;

events::Writer report(std::getenv("SMGATE_EVENTS") ? std::getenv("SMGATE_EVENTS") : "");
std::string arch = std::getenv("SMGATE_ARCH") ? std::getenv("SMGATE_ARCH") : "sm_89";

// --- the kernels: a key that names every constant of the body, and the body

struct Kernel {
  std::string key, source;
};

std::string bits(float value) {
  std::uint32_t word = 0;
  std::memcpy(&word, &value, sizeof word);
  char text[9];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(word));
  return text;
}

// Loss and gradient of one position; the labels are smoothed by eps.
Kernel cross_entropy(int vocab, float eps) {
  const std::string size = std::to_string(vocab), smoothing = std::to_string(eps);
  return {"cross_entropy_" + size + "_eps" + bits(eps),
          "#include <math.h>\nextern \"C\" float kernel(const float* x, float* dx, int label, float scale) {\n"
          "  float top = x[0], sum = 0, loss = 0;\n"
          "  for (int i = 0; i < " +
              size +
              "; ++i) top = fmaxf(top, x[i]);\n"
              "  for (int i = 0; i < " +
              size +
              "; ++i) sum += expf(x[i] - top);\n"
              "  for (int i = 0; i < " +
              size +
              "; ++i) {\n"
              "    const float p = expf(x[i] - top) / sum, t = " +
              smoothing + "f / " + size + " + (i == label ? 1 - " + smoothing +
              "f : 0);\n    loss -= t * logf(p);\n    dx[i] += (p - t) * scale;\n  }\n  return loss;\n}\n"};
}

Kernel sgd(int count) {
  return {"sgd_" + std::to_string(count),
          "extern \"C\" float kernel(const float* dx, float* x, int, float rate) {\n  float squares = 0;\n"
          "  for (int i = 0; i < " +
              std::to_string(count) +
              "; ++i) { squares += dx[i] * dx[i]; x[i] -= rate * dx[i]; }\n"
              "  return squares;\n}\n"};
}

// --- the cache

using Function = float (*)(const float*, float*, int, float);

Function compile(const Kernel& kernel) {
  const std::string path = "/tmp/" + kernel.key + "-" + std::to_string(getpid()), source = path + ".cpp",
                    image = path + ".so";
  std::ofstream(source) << kernel.source;
  const auto start = std::chrono::steady_clock::now();
  std::array<const char*, 8> command = {"g++", "-O1", "-shared", "-fPIC", "-o", image.c_str(), source.c_str(), nullptr};
  pid_t compiler = 0;
  int status = 1;
  if (posix_spawnp(&compiler, "g++", nullptr, nullptr, const_cast<char**>(command.data()), environ) == 0)
    waitpid(compiler, &status, 0);
  const Milliseconds ms = std::chrono::steady_clock::now() - start;
  std::ifstream file(image, std::ios::binary);
  const std::string code{std::istreambuf_iterator<char>(file), {}};
  report.compile("kernels", kernel.key, events::digest(kernel.source), {arch, code.size(), ms.count(), status == 0});
  void* module = status == 0 ? dlopen(image.c_str(), RTLD_NOW) : nullptr;
  report.load(events::digest(code), "kernels", kernel.key, arch, code.size(), true);
  unlink(source.c_str()), unlink(image.c_str());
  return module ? reinterpret_cast<Function>(dlsym(module, "kernel")) : nullptr;
}

std::map<std::string, Function> cache;

void offer(const Kernel& kernel, events::Here at = events::Here::now()) {
  report.offer(kScope, "kernels", kernel.key, events::digest(kernel.source), at);
  if (cache.count(kernel.key) == 0) cache[kernel.key] = compile(kernel);
}

Function get(const Kernel& kernel, events::Here at = events::Here::now()) {
  const bool hit = cache.count(kernel.key) != 0;
  report.lookup(kScope, "kernels", kernel.key, events::digest(kernel.source), hit, at);
  if (!hit) cache[kernel.key] = compile(kernel);
  return cache[kernel.key];
}

// --- the run

void prewarm() {
  report.prewarm_begin(kScope, "kernels");
  offer(cross_entropy(kVocab, kSmoothing));
  offer(sgd(kVocab * kVocab));
  report.prewarm_end(kScope, "kernels", cache.size());
  const auto total = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(getpagesize());
  report.memory(events::host_memory_available(), total, true);
}

bool save(const std::string& path, const std::vector<float>& weights) {
  const std::string bytes(reinterpret_cast<const char*>(weights.data()), weights.size() * sizeof(float));
  const std::string header =
      "{\"w\":{\"dtype\":\"F32\",\"shape\":[32,32],\"data_offsets\":[0," + std::to_string(bytes.size()) + "]}}";
  const std::uint64_t length = header.size();
  std::ofstream(path, std::ios::binary) << std::string(reinterpret_cast<const char*>(&length), 8) << header << bytes;
  std::ifstream back(path, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(back), {}}.substr(8 + length) == bytes;
}

void train() {
  std::vector<float> weights(kVocab * kVocab), gradient(kVocab * kVocab);
  report.payload_begin(kScope, 2 * weights.size() * sizeof(float));
  report.alloc("weights and gradient", 2 * weights.size() * sizeof(float), true);
  report.payload_end(kScope, 2 * weights.size() * sizeof(float));
  std::array<int, kRows * kColumns> inputs{}, labels{};
  for (int i = 0; i < kRows * kColumns; ++i) inputs[i] = i * 5 % kVocab, labels[i] = (i * 7 + 3) % kVocab;
  report.batch(inputs.data(), labels.data(), kRows, kColumns, true);
  for (int step = 0; step < kSteps; ++step) {
    const auto start = std::chrono::steady_clock::now();
    float loss = 0;
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    const float share = 1.0f / (kRows * kColumns);
    for (int i = 0; i < kRows * kColumns; ++i) {
      const int row = inputs[i] * kVocab;
      loss += share * get(cross_entropy(kVocab, kSmoothing))(&weights[row], &gradient[row], labels[i], share);
    }
    const float norm = std::sqrt(get(sgd(kVocab * kVocab))(gradient.data(), weights.data(), 0, kRate));
    const Milliseconds ms = std::chrono::steady_clock::now() - start;
    report.step(step, loss, norm, inputs.size(), ms.count());
  }
  bool finite = true;
  for (const float weight : weights) finite = finite && std::isfinite(weight);
  const bool whole = save("trained.safetensors", weights);
  const bool changed = weights != std::vector<float>(weights.size());
  report.checkpoint({"trained.safetensors", "safetensors", whole, finite, 1, changed ? 1u : 0u});
}

int main() {
  report.run_start({"bigrams", "1.0", arch, "this machine's processor", true, true},
                   events::Config().integer("steps", kSteps).integer("batch_size", kRows).real("learning_rate", kRate));
  prewarm();
  train();
  report.run_end(true, "");
}
