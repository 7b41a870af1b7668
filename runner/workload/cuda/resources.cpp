#include "runner/workload/cuda/resources.hpp"

#include <array>

namespace smgate::workload::cuda {

Context::Context(const Driver& driver, int ordinal) : driver_(driver) {
  check(driver_, driver_.device_get(&device_, ordinal), "cuDeviceGet");
  check(driver_, driver_.primary_context_retain(&context_, device_), "cuDevicePrimaryCtxRetain");
  make_current();
}

Context::~Context() { driver_.primary_context_release(device_); }

void Context::make_current() const { check(driver_, driver_.context_set_current(context_), "cuCtxSetCurrent"); }
void Context::synchronize() const { check(driver_, driver_.context_synchronize(), "cuCtxSynchronize"); }

int Context::attribute(CUdevice_attribute attribute) const {
  int value = 0;
  check(driver_, driver_.device_get_attribute(&value, attribute, device_), "cuDeviceGetAttribute");
  return value;
}

DeviceBuffer::DeviceBuffer(const Driver& driver, std::size_t bytes) : driver_(&driver), bytes_(bytes) {
  if (bytes > 0) check(driver, driver.mem_alloc(&address_, bytes), "cuMemAlloc");
}

DeviceBuffer::~DeviceBuffer() {
  if (address_ != 0) driver_->mem_free(address_);
}

void DeviceBuffer::swap(DeviceBuffer& other) noexcept {
  std::swap(driver_, other.driver_);
  std::swap(address_, other.address_);
  std::swap(bytes_, other.bytes_);
}

HostBuffer::HostBuffer(const Driver& driver, std::size_t bytes) : driver_(driver), bytes_(bytes) {
  check(driver_, driver_.mem_alloc_host(&data_, bytes), "cuMemAllocHost");
}

HostBuffer::~HostBuffer() { driver_.mem_free_host(data_); }

Event::Event(const Driver& driver, unsigned flags) : driver_(driver) {
  check(driver_, driver_.event_create(&event_, flags), "cuEventCreate");
}

Event::~Event() { driver_.event_destroy(event_); }

void Event::record(CUstream stream) { check(driver_, driver_.event_record(event_, stream), "cuEventRecord"); }
void Event::synchronize() const { check(driver_, driver_.event_synchronize(event_), "cuEventSynchronize"); }

double Event::ms_since(const Event& earlier) const {
  float ms = 0.0f;
  check(driver_, driver_.event_elapsed_time(&ms, earlier.event_, event_), "cuEventElapsedTime");
  return static_cast<double>(ms);
}

Graph::Graph(const Driver& driver, CUgraph captured) : driver_(&driver) {
  const CUresult result = driver.graph_instantiate(&executable_, captured, 0);
  driver.graph_destroy(captured);
  check(driver, result, "cuGraphInstantiate");
}

Graph::~Graph() {
  if (executable_ != nullptr) driver_->graph_exec_destroy(executable_);
}

void Graph::launch(CUstream stream) const {
  check(*driver_, driver_->graph_launch(executable_, stream), "cuGraphLaunch");
}

void Graph::swap(Graph& other) noexcept {
  std::swap(driver_, other.driver_);
  std::swap(executable_, other.executable_);
}

Stream::Stream(const Driver& driver) : driver_(driver) {
  check(driver_, driver_.stream_create(&stream_, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
}

Stream::~Stream() { driver_.stream_destroy(stream_); }

void Stream::synchronize() const { check(driver_, driver_.stream_synchronize(stream_), "cuStreamSynchronize"); }

void Stream::wait_for(const Event& event) const {
  check(driver_, driver_.stream_wait_event(stream_, event.handle(), 0), "cuStreamWaitEvent");
}

void Stream::begin_capture(CUstreamCaptureMode mode) {
  check(driver_, driver_.stream_begin_capture(stream_, mode), "cuStreamBeginCapture");
}

Graph Stream::end_capture() {
  CUgraph captured = nullptr;
  check(driver_, driver_.stream_end_capture(stream_, &captured), "cuStreamEndCapture");
  return Graph(driver_, captured);
}

LoadedModule::LoadedModule(const Driver& driver, const std::string& image) : driver_(driver) {
  constexpr std::size_t kLogBytes = 8192;
  std::string log(kLogBytes, '\0');
  std::array<CUjit_option, 2> options = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  std::array<void*, 2> values = {log.data(), reinterpret_cast<void*>(kLogBytes)};
  const CUresult result = driver_.module_load_data_ex(&module_, image.data(), static_cast<unsigned>(options.size()),
                                                      options.data(), values.data());
  if (result == CUDA_SUCCESS) return;
  const std::string words = log.c_str();
  throw RunFailure(error_text(driver_, result, "cuModuleLoadDataEx") + (words.empty() ? "" : ": " + words));
}

LoadedModule::~LoadedModule() { driver_.module_unload(module_); }

CUfunction LoadedModule::function(const char* name) const {
  CUfunction function = nullptr;
  check(driver_, driver_.module_get_function(&function, module_, name), "cuModuleGetFunction");
  return function;
}

std::pair<CUdeviceptr, std::size_t> LoadedModule::global(const char* name) const {
  std::pair<CUdeviceptr, std::size_t> place{};
  check(driver_, driver_.module_get_global(&place.first, &place.second, module_, name), "cuModuleGetGlobal");
  return place;
}

}  // namespace smgate::workload::cuda
