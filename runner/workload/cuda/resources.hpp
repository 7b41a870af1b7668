// What a driver hands out, each owned by one object: context, memory, stream, event, graph, module. Every member throws
// RunFailure with the driver's words; destructors ignore errors, for a broken context refuses every call. Owned by the
// trainer; one thread, but for Context::make_current, which each thread that calls the driver calls first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "runner/workload/cuda/driver.hpp"

namespace smgate::workload::cuda {

// The device's primary context, which cuBLASLt shares.
class Context {
 public:
  Context(const Driver& driver, int ordinal);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  void make_current() const;
  void synchronize() const;
  const Driver& driver() const { return driver_; }
  CUdevice device() const { return device_; }
  int attribute(CUdevice_attribute attribute) const;

 private:
  const Driver& driver_;
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
};

// Device memory, not cleared. Empty after a move or by default.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(const Driver& driver, std::size_t bytes);
  ~DeviceBuffer();
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    DeviceBuffer(std::move(other)).swap(*this);
    return *this;
  }

  CUdeviceptr address() const { return address_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(address_);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  void swap(DeviceBuffer& other) noexcept;

  const Driver* driver_ = nullptr;
  CUdeviceptr address_ = 0;
  std::size_t bytes_ = 0;
};

// Page-locked host memory, through which copies run at the bus's speed.
class HostBuffer {
 public:
  HostBuffer(const Driver& driver, std::size_t bytes);
  ~HostBuffer();
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  const Driver& driver_;
  void* data_ = nullptr;
  std::size_t bytes_;
};

class Event {
 public:
  explicit Event(const Driver& driver, unsigned flags = CU_EVENT_DEFAULT);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(CUstream stream);
  void synchronize() const;
  double ms_since(const Event& earlier) const;
  CUevent handle() const { return event_; }

 private:
  const Driver& driver_;
  CUevent event_ = nullptr;
};

// A captured and instantiated graph.
class Graph {
 public:
  Graph() = default;
  // Takes the captured graph over.
  Graph(const Driver& driver, CUgraph captured);
  ~Graph();
  Graph(Graph&& other) noexcept { swap(other); }
  Graph& operator=(Graph&& other) noexcept {
    Graph(std::move(other)).swap(*this);
    return *this;
  }

  explicit operator bool() const { return executable_ != nullptr; }
  void launch(CUstream stream) const;

 private:
  void swap(Graph& other) noexcept;

  const Driver* driver_ = nullptr;
  CUgraphExec executable_ = nullptr;
};

// A stream that does not wait for the null stream.
class Stream {
 public:
  explicit Stream(const Driver& driver);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  CUstream handle() const { return stream_; }
  void synchronize() const;
  void wait_for(const Event& event) const;
  // What is queued between the two becomes a graph instead of running.
  void begin_capture(CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  Graph end_capture();

 private:
  const Driver& driver_;
  CUstream stream_ = nullptr;
};

// A cubin in the current context.
class LoadedModule {
 public:
  LoadedModule(const Driver& driver, const std::string& image);
  ~LoadedModule();
  LoadedModule(const LoadedModule&) = delete;
  LoadedModule& operator=(const LoadedModule&) = delete;

  CUfunction function(const char* name) const;
  std::pair<CUdeviceptr, std::size_t> global(const char* name) const;

 private:
  const Driver& driver_;
  CUmodule module_ = nullptr;
};

}  // namespace smgate::workload::cuda
