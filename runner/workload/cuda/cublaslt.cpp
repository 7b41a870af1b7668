#include "runner/workload/cuda/cublaslt.hpp"

#include <dlfcn.h>

#include "runner/workload/base/library.hpp"

namespace smgate::workload::cuda {

namespace {

bool resolve_all(void* library, CublasLt& api) {
  bool whole = true;
#define SMGATE_RESOLVE(member, function)                                            \
  api.member = reinterpret_cast<decltype(api.member)>(::dlsym(library, #function)); \
  whole = whole && api.member != nullptr;
  SMGATE_CUBLASLT_CALLS(SMGATE_RESOLVE)
#undef SMGATE_RESOLVE
  return whole;
}

Outcome<const CublasLt*> open_once() {
  static CublasLt api{};
  std::string tried;
  for (const std::string& path : toolkit_places("SMGATE_CUBLASLT", {"libcublasLt.so.13", "libcublasLt.so.12"})) {
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr && resolve_all(library, api)) {
      api.path = path;
      return static_cast<const CublasLt*>(&api);
    }
    tried += (tried.empty() ? "" : ", ") + path;
  }
  return Failure{"cuBLASLt was not found (looked for " + tried + ")"};
}

}  // namespace

Outcome<const CublasLt*> open_cublaslt() {
  static const Outcome<const CublasLt*> opened = open_once();
  return opened;
}

void check(const CublasLt& library, cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw RunFailure(std::string("cuBLASLt error: ") + library.get_status_name(status) + " (" +
                   std::to_string(static_cast<int>(status)) + "), in " + call);
}

}  // namespace smgate::workload::cuda
