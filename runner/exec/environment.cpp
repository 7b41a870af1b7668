#include "runner/exec/environment.hpp"

#include <array>

namespace smgate::exec {
namespace {

constexpr std::array kCacheVariables{
    CacheVariable{"XDG_CACHE_HOME", "xdg"},                     // what has no variable of its own, mostly
    CacheVariable{"CUDA_CACHE_PATH", "cuda"},                   // the driver's JIT of PTX
    CacheVariable{"TRITON_CACHE_DIR", "triton"},                //
    CacheVariable{"TRITON_HOME", "triton-home"},                // its default place, ~/.triton
    CacheVariable{"TORCHINDUCTOR_CACHE_DIR", "inductor"},       // torch.compile
    CacheVariable{"TORCH_EXTENSIONS_DIR", "torch-extensions"},  // torch.utils.cpp_extension
    CacheVariable{"PYTORCH_KERNEL_CACHE_PATH", "torch-jit"},    // jiterator
    CacheVariable{"DG_JIT_CACHE_DIR", "deep-gemm"},             // DeepGEMM
    CacheVariable{"DG_CACHE_DIR", "deep-gemm-old"},             // DeepGEMM before 2.0
    CacheVariable{"TRTLLM_DG_CACHE_DIR", "trtllm-deep-gemm"},   // TensorRT-LLM's
    CacheVariable{"FLASHINFER_WORKSPACE_BASE", "flashinfer"},   //
    CacheVariable{"JAX_COMPILATION_CACHE_DIR", "jax"},          // XLA; its default is no cache
    CacheVariable{"CUPY_CACHE_DIR", "cupy"},                    //
    CacheVariable{"NUMBA_CACHE_DIR", "numba"},                  //
    CacheVariable{"WARP_CACHE_PATH", "warp"},                   //
    CacheVariable{"TILELANG_CACHE_DIR", "tilelang"},            //
    CacheVariable{"CUTE_DSL_CACHE_DIR", "cute-dsl"},            // CUTLASS's Python DSL
    CacheVariable{"VLLM_CACHE_ROOT", "vllm"},                   //
    CacheVariable{"__GL_SHADER_DISK_CACHE_PATH", "gl"},         // the driver's shaders
};

}  // namespace

std::span<const CacheVariable> cache_variables() { return kCacheVariables; }

std::map<std::string, std::string> stage_environment(const Stage& stage, const StageFolders& folders, const Arch& arch,
                                                     const CommitSha& commit,
                                                     const std::map<std::string, std::string>& host) {
  std::map<std::string, std::string> environment{
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"LANG", "C.UTF-8"},
      {"LC_ALL", "C.UTF-8"},
      {"TZ", "UTC"},
      {"CI", "true"},
      {"HOME", folders.home.string()},
      {"TMPDIR", folders.tmp.string()},
  };
  for (const auto& [name, value] : host) environment[name] = value;
  for (const auto& [name, value] : stage.env) environment[name] = value;
  environment["SMGATE_ARCH"] = arch.value;
  environment["SMGATE_COMMIT"] = commit.value;
  environment["SMGATE_STAGE"] = stage.name;
  environment["SMGATE_EVENTS"] = folders.events.string();
  for (const CacheVariable& variable : kCacheVariables)
    environment[std::string(variable.name)] = (folders.caches / variable.folder).string();
  return environment;
}

}  // namespace smgate::exec
