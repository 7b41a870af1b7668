// Times a step of a scale on a GPU, and each of its operations: gpu_step_bench SCALE BATCH SEQ STEPS [profile].
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "runner/workload/run/batch.hpp"
#include "tests/gpu/support.hpp"

namespace {

using namespace smgate::workload;

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::uint64_t used_bytes(const cuda::CudaDevice& device) {
  std::size_t free = 0;
  std::size_t total = 0;
  cuda::check(device.driver(), device.driver().mem_get_info(&free, &total), "cuMemGetInfo");
  return total - free;
}

std::uint32_t number(const char* text) {
  std::uint32_t value = 0;
  const std::string_view view = text;
  std::from_chars(view.data(), view.data() + view.size(), value);
  return std::max(value, 1u);
}

int bench(const RunConfig& config, bool profile) {
  const auto start = std::chrono::steady_clock::now();
  std::string lacks;
  const auto parts = test::GpuParts::open(lacks);
  if (!parts) {
    std::fprintf(stderr, "gpu_step_bench: %s\n", lacks.c_str());
    return 1;
  }
  std::printf("context %.0f ms\n", ms_since(start));
  const auto trainer = cuda::make_cuda_trainer(config, parts->cache(), parts->device(), parts->writer());
  trainer->prewarm(builtin_prewarm());
  std::printf("prewarm done %.0f ms\n", ms_since(start));
  trainer->upload_teacher(SeededWeights(trainer->teacher_layout(), 1, kTeacherDeviation));
  trainer->upload_student(SeededWeights(trainer->student_layout(), 2, kStudentDeviation));
  trainer->allocate_training(make_batch(config));
  std::printf("payload done %.0f ms\n", ms_since(start));
  std::vector<double> times;
  for (std::uint32_t i = 0; i < config.steps; ++i) {
    const auto before = std::chrono::steady_clock::now();
    const StepResult result = trainer->step(i);
    times.push_back(ms_since(before));
    if (i < 4 || i + 1 == config.steps || i % 10 == 0) {
      std::printf("step %u loss %.5f ce %.5f kl %.5f norm %.4f %.2f ms\n", i, result.loss, result.ce, result.kl,
                  result.grad_norm, times.back());
    }
  }
  std::printf("all done %.0f ms\n", ms_since(start));
  std::sort(times.begin(), times.end());
  std::printf("median %.2f ms, %.2f GiB used, late compiles %llu\n", times[times.size() / 2],
              static_cast<double>(used_bytes(parts->device())) / (1 << 30),
              static_cast<unsigned long long>(parts->cache().late_compiles()));
  if (profile) std::fputs(trainer->profile().c_str(), stdout);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: gpu_step_bench SCALE BATCH SEQ STEPS [profile] [tf32|fp32]\n");
    return 2;
  }
  RunConfig config = *config_of_scale(argv[1]);
  config.gpu = true;
  config.math = Math::kBf16;
  config.batch = number(argv[2]);
  config.seq = number(argv[3]);
  config.steps = number(argv[4]);
  bool profile = false;
  for (int i = 5; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "profile") profile = true;
    if (word == "tf32") config.math = Math::kTf32;
  }
  try {
    return bench(config, profile);
  } catch (const RunFailure& failure) {
    std::fprintf(stderr, "gpu_step_bench: %s\n", failure.what());
    return 1;
  }
}
