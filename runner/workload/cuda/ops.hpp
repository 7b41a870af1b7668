// The operations of a step on a GPU, each by name: builds the key and body that it needs now, asks the cache, queues the
// launch. This is the run-time side; the pre-warm list (prewarm.cpp) is written apart. What every operation takes last
// is the line that asks for it, for the events. Owned by a model or the trainer; one thread. Device addresses are the
// caller's, typed by the operation's comment: T is the storage type.
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
  CUstream stream;
  Storage storage;
  std::map<std::pair<const Module*, std::string_view>, CUfunction> functions;  // by entry
  OpTimes* times = nullptr;

  std::size_t element_bytes() const { return storage == Storage::kBf16 ? 2 : 4; }
};

class CudaOps {
 public:
  using Here = events::Here;

  CudaOps(Engine& engine, std::string scope) : engine_(engine), scope_(std::move(scope)) {}

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
    Address dstream, dstream_copy, dgamma, partial, dout, x, gamma, inverse;
    bool adds;  // to what dstream holds
  };
  void rmsnorm_backward(const NormGradient& norm, std::uint32_t rows, std::uint32_t hidden,
                        Here at = Here::now()) const;
  void rope(Address qkv, Address bias, AttentionShape shape, float theta, std::uint32_t rows,
            Here at = Here::now()) const;
  struct RopeGradient {
    Address dqkv, dbias, partial, dq, dk, dv;
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
  };
  template <class... Args>
  void launch(const Kernel& kernel, const char* entry, Grid grid, Here at, Args... args) const {
    void* addresses[] = {&args...};
    launch_with(kernel, entry, grid, addresses, at);
  }
  void launch_with(const Kernel& kernel, const char* entry, Grid grid, void** args, Here at) const;

  Engine& engine_;
  std::string scope_;
};

}  // namespace smgate::workload::cuda
