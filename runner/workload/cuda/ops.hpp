// The operations of a step on a GPU, each by name: builds the key and body that it needs now, asks the cache, queues
// the launch. This is the run-time side; the pre-warm list (prewarm.cpp) is written apart. What every operation takes
// last is the line that asks for it, for the events. Owned by a model or the trainer; one thread. Device addresses are
// the caller's, typed by the operation's comment: T is the storage type.
#pragma once

#include <map>
#include <string>

#include "runner/workload/cuda/gemm.hpp"
#include "runner/workload/cuda/kernels/kernels.hpp"
#include "smgate/kernel_cache.hpp"

namespace smgate::workload::cuda {

using Address = CUdeviceptr;

// Times each operation of a step with events, where a run asks for it.
class OpTimes {
 public:
  virtual ~OpTimes() = default;
  virtual void before(CUstream stream) = 0;
  virtual void after(CUstream stream, const std::string& name) = 0;
};

// What all operations of a run share.
struct Engine {
  KernelCache& cache;
  const CudaDevice& device;
  Gemms& gemms;
  CUstream main;
  CUstream side;
  Storage storage;
  std::map<std::pair<const Module*, std::string_view>, CUfunction> functions;  // by entry
  OpTimes* times = nullptr;

  CUstream stream(Lane lane) const { return lane == Lane::kMain ? main : side; }
  std::size_t element_bytes() const { return storage == Storage::kBf16 ? 2 : 4; }
};

class CudaOps {
 public:
  using Here = events::Here;

  CudaOps(Engine& engine, std::string scope, Lane lane = Lane::kMain)
      : engine_(engine), scope_(std::move(scope)), lane_(lane) {}

  // The same scope's operations beside those of the step's own stream.
  CudaOps beside() const { return CudaOps(engine_, scope_, Lane::kSide); }
  // `event` comes after all that was queued here; what is queued here from now on comes after `event`.
  void record(Event& event) const { event.record(stream()); }
  void wait_for(const Event& event) const;
  // What `other` queues from now on comes after all that was queued here.
  void hand_over(Event& event, const CudaOps& other) const {
    record(event);
    other.wait_for(event);
  }

  void seeded_normal(Address copy, Address master, std::uint64_t state, float deviation, std::uint64_t count,
                     Here at = Here::now()) const;
  void convert_weights(Address copy, Address master, Address source, std::uint32_t dtype, std::uint64_t count,
                       Here at = Here::now()) const;

  void embedding(Address stream, Address tokens, Address table, std::uint32_t rows, std::uint32_t hidden,
                 Here at = Here::now()) const;
  void embedding_backward(Address dtable, Address tokens, Address dstream, std::uint32_t rows, std::uint32_t hidden,
                          Here at = Here::now()) const;
  struct Norm {
    Address out, inverse, sum, stream, branch, gamma;  // no branch: 0
  };
  void rmsnorm(const Norm& norm, std::uint32_t rows, std::uint32_t hidden, float eps, Here at = Here::now()) const;
  struct NormGradient {
    Address dstream, dstream_copy, partial, dout, x, gamma, inverse;
    bool adds;  // to what dstream holds
  };
  void rmsnorm_backward(const NormGradient& norm, std::uint32_t rows, std::uint32_t hidden,
                        Here at = Here::now()) const;
  // The second stage of a gradient: the sum of the partial ones that a backward operation over `rows` left.
  void gamma_reduce(Address dgamma, Address partial, std::uint32_t rows, std::uint32_t hidden,
                    Here at = Here::now()) const;
  void bias_reduce(Address dbias, Address partial, std::uint32_t rows, std::uint32_t seq, std::uint32_t columns,
                   Here at = Here::now()) const;
  void rope(Address qkv, Address bias, AttentionShape shape, float theta, std::uint32_t rows,
            Here at = Here::now()) const;
  struct RopeGradient {
    Address dqkv, partial, dq, dk, dv;
  };
  void rope_backward(const RopeGradient& rope, AttentionShape shape, float theta, std::uint32_t rows,
                     Here at = Here::now()) const;
  void attention(Address out, Address lse, Address qkv, AttentionShape shape, std::uint32_t batch,
                 Here at = Here::now()) const;
  struct AttentionGradient {
    Address dq, dk, dv, delta, dout, out, lse, qkv;
  };
  void attention_backward(const AttentionGradient& attention, AttentionShape shape, std::uint32_t batch,
                          Here at = Here::now()) const;
  // mlp = SwiGLU of x's projections by `weights`, gate's rows before up's; `keeps`: gate_up holds them afterwards.
  struct Gated {
    Address mlp, gate_up, x, weights;
    bool keeps;
  };
  void gated_linear(const Gated& gated, std::uint32_t rows, std::uint32_t hidden, std::uint32_t intermediate,
                    Here at = Here::now()) const;
  void swiglu(Address mlp, Address gate_up, std::uint32_t rows, std::uint32_t intermediate,
              Here at = Here::now()) const;
  void swiglu_backward(Address gate_up, Address mlp, std::uint32_t rows, std::uint32_t intermediate,
                       Here at = Here::now()) const;
  void gemm(Product product, GemmShape shape, Gemms::Operands operands, bool grows = false) const;

  struct Loss {
    Address student, losses, teacher, labels;
  };
  void kd_loss(const Loss& loss, std::uint32_t rows, const RunConfig& config, std::uint32_t rows_of_step,
               Here at = Here::now()) const;
  struct Finish {
    Address scalars, step, partials, gradient, losses;
  };
  void finish(const Finish& finish, std::uint64_t count, const RunConfig& config, Here at = Here::now()) const;
  struct Adam {
    Address weight, copy, moment, variance, gradient, scalars;
  };
  void adamw(const Adam& adam, std::uint64_t matrices, std::uint64_t count, const RunConfig& config,
             Here at = Here::now()) const;

 private:
  struct Grid {
    std::uint32_t x, y, z, threads;
    std::uint32_t shared_bytes = 0;  // beside what the kernel's text declares
  };
  template <class... Args>
  void launch(const Kernel& kernel, const char* entry, Grid grid, Here at, Args... args) const {
    void* addresses[] = {&args...};
    launch_with(kernel, entry, grid, addresses, at);
  }
  void launch_with(const Kernel& kernel, const char* entry, Grid grid, void** args, Here at) const;
  CUstream stream() const { return engine_.stream(lane_); }

  Engine& engine_;
  std::string scope_;
  Lane lane_;
};

}  // namespace smgate::workload::cuda
