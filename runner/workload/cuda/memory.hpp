// A scope's memory on the device, known part by part before it is taken, and the way of weights into it. Owned by the
// trainer; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runner/workload/cuda/layout.hpp"
#include "runner/workload/cuda/ops.hpp"
#include "runner/workload/model/weight_source.hpp"
#include "runner/workload/run/trainer.hpp"

namespace smgate::workload::cuda {

struct Part {
  std::string name;
  std::size_t bytes;
  Address* address;  // where its place is told
};

std::uint64_t bytes_of(const std::vector<Part>& parts);

class Memory {
 public:
  Memory(const Driver& driver, events::Writer& writer) : driver_(driver), writer_(writer) {}

  // Takes and reports every part, cleared on `stream`: what lies between tensors stays zero through every step. Throws
  // RunFailure where the device has no room.
  void allocate(const std::vector<Part>& parts, CUstream stream, events::Here at = events::Here::now());

 private:
  const Driver& driver_;
  events::Writer& writer_;
  std::vector<DeviceBuffer> buffers_;
};

// A model's memory. The student has a master, in which its vectors lie; the teacher has vectors alone.
struct Places {
  Address matrices = 0, vectors = 0, master = 0, activations = 0;
  std::vector<Address> workspaces;
};

// Queues what puts every tensor of the source into its place: seeded ones are made there.
void upload_weights(const CudaOps& ops, const Engine& engine, const Layout& layout, const Places& places,
                    const WeightSource& weights);

// Visits every tensor of a layout whose fp32 values start at `base`, stretch by stretch, through page-locked memory.
void copy_out(const Driver& driver, const Layout& layout, Address base, const Trainer::VisitStretch& visit);

}  // namespace smgate::workload::cuda
