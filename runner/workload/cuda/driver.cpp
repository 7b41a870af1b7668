#include "runner/workload/cuda/driver.hpp"

#include <dlfcn.h>

#include <cstdlib>

namespace smgate::workload::cuda {

namespace {

// cuda.h gives the current ABI of a call its versioned name (cuMemAlloc is cuMemAlloc_v2): expanded before it is text.
#define SMGATE_TEXT(name) #name
#define SMGATE_SYMBOL(name) SMGATE_TEXT(name)

template <class Function>
bool resolve(void* library, const char* symbol, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, symbol));
  // CUDA 13 renamed this call without a change of its signature; a driver of CUDA 12 has the old name alone.
  if (function == nullptr && std::string(symbol) == "cuEventElapsedTime_v2") {
    function = reinterpret_cast<Function>(::dlsym(library, "cuEventElapsedTime"));
  }
  return function != nullptr;
}

// The first call that the library lacks; nullptr: it has all.
const char* resolve_all(void* library, Driver& driver) {
#define SMGATE_RESOLVE(member, function) \
  if (!resolve(library, SMGATE_SYMBOL(function), driver.member)) return SMGATE_SYMBOL(function);
  SMGATE_CUDA_DRIVER_CALLS(SMGATE_RESOLVE)
#undef SMGATE_RESOLVE
  return nullptr;
}

Outcome<const Driver*> open_once() {
  static Driver driver{};
  const char* named = std::getenv("SMGATE_LIBCUDA");
  const std::string path = named != nullptr && *named != '\0' ? named : "libcuda.so.1";
  // Never closed: the driver leaves threads behind.
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = ::dlerror();
    return Failure{"no CUDA driver: " + path + " cannot be opened (" + (reason == nullptr ? "no reason" : reason) +
                   ")"};
  }
  if (const char* lacking = resolve_all(library, driver)) {
    return Failure{"the CUDA driver " + path + " is too old: it has no " + lacking};
  }
  const CUresult result = driver.init(0);
  if (result != CUDA_SUCCESS) return Failure{error_text(driver, result, "cuInit")};
  return static_cast<const Driver*>(&driver);
}

}  // namespace

Outcome<const Driver*> open_driver() {
  static const Outcome<const Driver*> opened = open_once();
  return opened;
}

std::string error_text(const Driver& driver, CUresult result, const char* call) {
  const char* name = nullptr;
  const char* words = nullptr;
  if (driver.get_error_name(result, &name) != CUDA_SUCCESS || name == nullptr) name = "unknown error";
  if (driver.get_error_string(result, &words) != CUDA_SUCCESS || words == nullptr) words = "no text";
  return std::string("CUDA error: ") + name + " (" + std::to_string(static_cast<int>(result)) + "): " + words +
         ", in " + call;
}

void check(const Driver& driver, CUresult result, const char* call) {
  if (result != CUDA_SUCCESS) throw RunFailure(error_text(driver, result, call));
}

}  // namespace smgate::workload::cuda
