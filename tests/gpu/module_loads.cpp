// A library that the CUDA driver takes into any process (CUDA_INJECTION64_PATH names it) and that writes a line into
// the file of SMGATE_MODULE_LOADS for each module which the driver loads, whoever asked for it: "monotonic ns, id,
// bytes". Called by the driver on whichever thread loads. The clock is the events' own.
#include <cupti.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>

namespace {

long long monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<long long>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

void CUPTIAPI on_resource(void* file, CUpti_CallbackDomain, CUpti_CallbackId id, const void* data) {
  if (id != CUPTI_CBID_RESOURCE_MODULE_LOADED) return;
  const auto* resource = static_cast<const CUpti_ResourceData*>(data);
  const auto* module = static_cast<const CUpti_ModuleResourceData*>(resource->resourceDescriptor);
  // One write a line: lines of two threads do not mix, and a process that is ended has told what it did.
  std::fprintf(static_cast<std::FILE*>(file), "%lld %u %zu\n", monotonic_ns(), module->moduleId, module->cubinSize);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int InitializeInjection() {
  const char* path = std::getenv("SMGATE_MODULE_LOADS");
  std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "ae");
  if (file == nullptr) return 0;
  std::setvbuf(file, nullptr, _IOLBF, 0);
  CUpti_SubscriberHandle subscriber{};
  const bool on =
      cuptiSubscribe(&subscriber, on_resource, file) == CUPTI_SUCCESS &&
      cuptiEnableCallback(1, subscriber, CUPTI_CB_DOMAIN_RESOURCE, CUPTI_CBID_RESOURCE_MODULE_LOADED) == CUPTI_SUCCESS;
  if (!on) std::fputs("no callbacks: CUPTI refused\n", file);
  return on ? 1 : 0;
}
