// The CUDA driver API, opened at run time and never linked: the same program starts on hosts that have no driver, and
// says so. Signatures come from <cuda.h>, so that a wrong call does not compile. Opened once a process and kept until
// its end; any thread. Calls return CUresult: hand that to check().
#pragma once

#include <cuda.h>

#include <string>

#include "runner/workload/base/outcome.hpp"

namespace smgate::workload::cuda {

// X(member, function of the driver)
#define SMGATE_CUDA_DRIVER_CALLS(X)                     \
  X(init, cuInit)                                       \
  X(driver_get_version, cuDriverGetVersion)             \
  X(get_error_name, cuGetErrorName)                     \
  X(get_error_string, cuGetErrorString)                 \
  X(device_get, cuDeviceGet)                            \
  X(device_get_count, cuDeviceGetCount)                 \
  X(device_get_name, cuDeviceGetName)                   \
  X(device_get_attribute, cuDeviceGetAttribute)         \
  X(device_total_mem, cuDeviceTotalMem)                 \
  X(device_get_pci_bus_id, cuDeviceGetPCIBusId)         \
  X(primary_context_retain, cuDevicePrimaryCtxRetain)   \
  X(primary_context_release, cuDevicePrimaryCtxRelease) \
  X(context_set_current, cuCtxSetCurrent)               \
  X(context_synchronize, cuCtxSynchronize)              \
  X(mem_get_info, cuMemGetInfo)                         \
  X(mem_alloc, cuMemAlloc)                              \
  X(mem_free, cuMemFree)                                \
  X(mem_alloc_host, cuMemAllocHost)                     \
  X(mem_free_host, cuMemFreeHost)                       \
  X(memcpy_h_to_d, cuMemcpyHtoD)                        \
  X(memcpy_d_to_h, cuMemcpyDtoH)                        \
  X(memcpy_d_to_h_async, cuMemcpyDtoHAsync)             \
  X(memcpy_d_to_d_async, cuMemcpyDtoDAsync)             \
  X(memset_d8_async, cuMemsetD8Async)                   \
  X(memset_d32_async, cuMemsetD32Async)                 \
  X(module_load_data_ex, cuModuleLoadDataEx)            \
  X(module_unload, cuModuleUnload)                      \
  X(module_get_function, cuModuleGetFunction)           \
  X(module_get_global, cuModuleGetGlobal)               \
  X(function_set_attribute, cuFuncSetAttribute)         \
  X(launch_kernel, cuLaunchKernel)                      \
  X(tensor_map_encode_tiled, cuTensorMapEncodeTiled)    \
  X(stream_create, cuStreamCreate)                      \
  X(stream_destroy, cuStreamDestroy)                    \
  X(stream_synchronize, cuStreamSynchronize)            \
  X(stream_wait_event, cuStreamWaitEvent)               \
  X(stream_begin_capture, cuStreamBeginCapture)         \
  X(stream_end_capture, cuStreamEndCapture)             \
  X(graph_instantiate, cuGraphInstantiateWithFlags)     \
  X(graph_exec_destroy, cuGraphExecDestroy)             \
  X(graph_destroy, cuGraphDestroy)                      \
  X(graph_launch, cuGraphLaunch)                        \
  X(event_create, cuEventCreate)                        \
  X(event_destroy, cuEventDestroy)                      \
  X(event_record, cuEventRecord)                        \
  X(event_synchronize, cuEventSynchronize)              \
  X(event_elapsed_time, cuEventElapsedTime)

struct Driver {
#define SMGATE_MEMBER(member, function) decltype(&::function) member;
  SMGATE_CUDA_DRIVER_CALLS(SMGATE_MEMBER)
#undef SMGATE_MEMBER
};

// The driver, after cuInit. It is looked for where SMGATE_LIBCUDA says, else as libcuda.so.1. Failure: where it was
// looked for, or what it lacks or answered.
Outcome<const Driver*> open_driver();

// "CUDA error: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory, in cuMemAlloc".
std::string error_text(const Driver& driver, CUresult result, const char* call);

// Throws RunFailure with that text unless `result` is success.
void check(const Driver& driver, CUresult result, const char* call);

}  // namespace smgate::workload::cuda
