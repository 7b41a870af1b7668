#include "runner/workload/cuda/ops.hpp"

#include <algorithm>

#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload::cuda {

namespace {

constexpr std::uint32_t kThreads = 256;
constexpr std::uint32_t kFillBlocks = 2112;  // of kernels that walk over weights: sixteen a multiprocessor

std::uint32_t ceil_div(std::uint64_t count, std::uint32_t size) {
  return static_cast<std::uint32_t>((count + size - 1) / size);
}

// Blocks of the backward operations, and so the partial sums that each leaves.
std::uint32_t norm_blocks(std::uint32_t rows) {
  return std::min(ceil_div(rows, kernels::kRowsPerBlock), kernels::kPartialBlocksMax);
}

// Blocks that take the rows of a group's queries.
std::uint32_t group_tiles(AttentionShape shape) {
  return ceil_div(shape.heads / shape.kv_heads * shape.seq, kernels::kAttentionTile);
}

// Of a row-major bf16 matrix, for the copy engine: tiles of linear_swiglu. What lies beyond the matrix is zero.
CUtensorMap tile_map(const Driver& driver, Address matrix, std::uint32_t rows, std::uint32_t columns) {
  const cuuint64_t size[] = {columns, rows};
  const cuuint64_t row_bytes[] = {std::uint64_t{columns} * 2};
  const cuuint32_t tile[] = {kernels::kLinearTileColumns, kernels::kLinearTileRows};
  const cuuint32_t each[] = {1, 1};
  CUtensorMap map;
  check(driver,
        driver.tensor_map_encode_tiled(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, reinterpret_cast<void*>(matrix), size,
                                       row_bytes, tile, each, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                                       CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
        "cuTensorMapEncodeTiled");
  return map;
}

// Positions, and parts of the batch, that blocks of the rotation's backward take beside each other.
struct RopeBlocks {
  std::uint32_t x, y;
};

RopeBlocks rope_blocks(std::uint32_t rows, std::uint32_t seq) {
  const std::uint32_t x = std::min(seq, kernels::kRopeBlocksMax);
  return {x, std::clamp(kernels::kRopeBlocksMax / x, 1u, rows / seq)};
}

}  // namespace

void CudaOps::launch_with(const Kernel& kernel, const char* entry, Grid grid, void** args, Here at) const {
  const Module& module = engine_.cache.get_or_compile(scope_, kernel.key, kernel.body, at);
  CUfunction& function = engine_.functions[{&module, entry}];
  const Driver& driver = engine_.device.driver();
  if (function == nullptr) {
    function = loaded(module).function(entry);
    check(driver,
          driver.function_set_attribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                        static_cast<int>(grid.shared_bytes)),
          "cuFuncSetAttribute");
  }
  if (engine_.times != nullptr) engine_.times->before(stream());
  check(driver,
        driver.launch_kernel(function, grid.x, grid.y, grid.z, grid.threads, 1, 1, grid.shared_bytes, stream(), args,
                             nullptr),
        "cuLaunchKernel");
  if (engine_.times != nullptr) engine_.times->after(stream(), scope_ + " " + kernel.key);
}

void CudaOps::wait_for(const Event& event) const {
  const Driver& driver = engine_.device.driver();
  check(driver, driver.stream_wait_event(stream(), event.handle(), 0), "cuStreamWaitEvent");
}

void CudaOps::seeded_normal(Address copy, Address master, std::uint64_t state, float deviation, std::uint64_t count,
                            Here at) const {
  launch(kernels::model_weights(engine_.storage), "seeded_normal", {kFillBlocks, 1, 1, kThreads}, at, copy, master,
         state, deviation, count);
}

void CudaOps::convert_weights(Address copy, Address master, Address source, std::uint32_t dtype, std::uint64_t count,
                              Here at) const {
  launch(kernels::model_weights(engine_.storage), "convert_weights", {kFillBlocks, 1, 1, kThreads}, at, copy, master,
         source, dtype, count);
}

void CudaOps::embedding(Address stream, Address tokens, Address table, std::uint32_t rows, std::uint32_t hidden,
                        Here at) const {
  launch(kernels::embedding_forward(engine_.storage, hidden), "embedding_fwd", {rows, 1, 1, kThreads}, at, stream,
         tokens, table);
}

void CudaOps::embedding_backward(Address dtable, Address tokens, Address dstream, std::uint32_t rows,
                                 std::uint32_t hidden, Here at) const {
  launch(kernels::embedding_backward(engine_.storage, hidden), "embedding_bwd", {rows, 1, 1, kThreads}, at, dtable,
         tokens, dstream, rows);
}

void CudaOps::rmsnorm(const Norm& norm, std::uint32_t rows, std::uint32_t hidden, float eps, Here at) const {
  launch(kernels::rmsnorm_forward(engine_.storage, hidden, eps), "batched_rmsnorm_fwd",
         {ceil_div(rows, kernels::kRowsPerBlock), 1, 1, kThreads}, at, norm.out, norm.inverse, norm.sum, norm.stream,
         norm.branch, norm.gamma, rows);
}

void CudaOps::rmsnorm_backward(const NormGradient& norm, std::uint32_t rows, std::uint32_t hidden, Here at) const {
  const std::uint32_t blocks = norm_blocks(rows);
  const std::uint32_t adds = norm.adds ? 1 : 0;
  launch(kernels::rmsnorm_backward(engine_.storage, hidden), "batched_rms_norm_backward", {blocks, 1, 1, kThreads}, at,
         norm.dstream, norm.dstream_copy, norm.partial, norm.dout, norm.x, norm.gamma, norm.inverse, rows, adds);
}

void CudaOps::gamma_reduce(Address dgamma, Address partial, std::uint32_t rows, std::uint32_t hidden, Here at) const {
  const std::uint32_t blocks = norm_blocks(rows);
  launch(kernels::rms_norm_gamma_reduce(), "rms_norm_gamma_reduce",
         {ceil_div(hidden, kernels::kColumnsPerBlock), 1, 1, kThreads}, at, dgamma, partial, blocks, hidden);
}

void CudaOps::bias_reduce(Address dbias, Address partial, std::uint32_t rows, std::uint32_t seq, std::uint32_t columns,
                          Here at) const {
  const RopeBlocks grid = rope_blocks(rows, seq);
  const std::uint32_t blocks = grid.x * grid.y;
  launch(kernels::bias_grad_reduce(), "bias_grad_reduce",
         {ceil_div(columns, kernels::kColumnsPerBlock), 1, 1, kThreads}, at, dbias, partial, blocks, columns);
}

void CudaOps::rope(Address qkv, Address bias, AttentionShape shape, float theta, std::uint32_t rows, Here at) const {
  launch(kernels::rope_forward(engine_.storage, shape, theta), "rope_fwd", {rows, 1, 1, kThreads}, at, qkv, bias);
}

void CudaOps::rope_backward(const RopeGradient& rope, AttentionShape shape, float theta, std::uint32_t rows,
                            Here at) const {
  const RopeBlocks blocks = rope_blocks(rows, shape.seq);
  launch(kernels::rope_backward(engine_.storage, shape, theta), "rope_bwd", {blocks.x, blocks.y, 2, kThreads}, at,
         rope.dqkv, rope.partial, rope.dq, rope.dk, rope.dv, rows);
}

void CudaOps::attention(Address out, Address lse, Address qkv, AttentionShape shape, std::uint32_t batch,
                        Here at) const {
  launch(kernels::attention_forward(engine_.storage, shape), "attention_fwd",
         {shape.kv_heads, batch, group_tiles(shape), kernels::kAttentionThreads,
          kernels::attention_shared_bytes(engine_.storage, shape, kernels::kAttentionTilesHeld)},
         at, out, lse, qkv);
}

void CudaOps::attention_backward(const AttentionGradient& a, AttentionShape shape, std::uint32_t batch, Here at) const {
  launch(kernels::attention_backward_q(engine_.storage, shape), "attention_bwd_q",
         {shape.kv_heads, batch, group_tiles(shape), kernels::kAttentionThreads,
          kernels::attention_shared_bytes(engine_.storage, shape, kernels::kAttentionTilesHeldQ)},
         at, a.dq, a.delta, a.dout, a.out, a.lse, a.qkv);
  launch(kernels::attention_backward_kv(engine_.storage, shape), "attention_bwd_kv",
         {shape.heads, batch, ceil_div(shape.seq, kernels::kAttentionTile), kernels::kAttentionThreads,
          kernels::attention_shared_bytes(engine_.storage, shape, kernels::kAttentionTilesHeld)},
         at, a.dk, a.dv, a.dout, a.lse, a.delta, a.qkv);
}

void CudaOps::gated_linear(const Gated& gated, std::uint32_t rows, std::uint32_t hidden, std::uint32_t intermediate,
                           Here at) const {
  if (!kernels::has_linear_swiglu(engine_.storage, engine_.cache.target(), hidden, intermediate)) {
    gemm(Product::kOutput, {rows, hidden, 2 * intermediate}, {gated.gate_up, gated.x, gated.weights});
    swiglu(gated.mlp, gated.gate_up, rows, intermediate, at);
    return;
  }
  const Driver& driver = engine_.device.driver();
  const auto blocks =
      static_cast<std::uint32_t>(engine_.device.context().attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT));
  launch(kernels::linear_swiglu(hidden, intermediate, gated.keeps), "linear_swiglu",
         {blocks / 2 * 2, 1, 1, kernels::kLinearThreads, kernels::kLinearSharedBytes}, at, gated.mlp, gated.gate_up,
         tile_map(driver, gated.x, rows, hidden), tile_map(driver, gated.weights, 2 * intermediate, hidden), rows);
}

void CudaOps::swiglu(Address mlp, Address gate_up, std::uint32_t rows, std::uint32_t intermediate, Here at) const {
  const std::uint64_t items = std::uint64_t{rows} * (intermediate / 8);
  launch(kernels::swiglu_forward(engine_.storage, intermediate), "swiglu_fwd",
         {ceil_div(items, kThreads), 1, 1, kThreads}, at, mlp, gate_up, rows);
}

void CudaOps::swiglu_backward(Address gate_up, Address mlp, std::uint32_t rows, std::uint32_t intermediate,
                              Here at) const {
  const std::uint64_t items = std::uint64_t{rows} * (intermediate / 8);
  launch(kernels::swiglu_backward(engine_.storage, intermediate), "swiglu_bwd",
         {ceil_div(items, kThreads), 1, 1, kThreads}, at, gate_up, mlp, rows);
}

void CudaOps::gemm(Product product, GemmShape shape, Gemms::Operands operands, bool grows) const {
  if (engine_.times != nullptr) engine_.times->before(stream());
  engine_.gemms.run(product, shape, operands, stream(), lane_, grows);
  if (engine_.times == nullptr) return;
  const char* name = product == Product::kOutput ? "y" : product == Product::kInputGradient ? "dx" : "dw";
  engine_.times->after(stream(), scope_ + " " + join_key(std::string("cublaslt_") + name, {shape.m, shape.k, shape.n}));
}

void CudaOps::kd_loss(const Loss& loss, std::uint32_t rows, const RunConfig& config, std::uint32_t rows_of_step,
                      Here at) const {
  const float share = 1.0f / static_cast<float>(rows_of_step);
  launch(kernels::kd_loss(engine_.storage, config.student.vocab, config.alpha, config.temperature), "kd_loss",
         {rows, 1, 1, kernels::kLossThreads}, at, loss.student, loss.losses, loss.teacher, loss.labels, share);
}

void CudaOps::finish(const Finish& f, std::uint64_t count, const RunConfig& config, Here at) const {
  launch(kernels::grad_norm_partials(), "grad_norm_partials", {kernels::kNormBlocks, 1, 1, kThreads}, at, f.partials,
         f.gradient, count);
  const std::uint32_t partials = kernels::kNormBlocks;
  const std::uint32_t rows = config.rows();
  launch(kernels::step_finish(config.adam, config.gradient_norm_max), "step_finish", {1, 1, 1, kernels::kFinishThreads},
         at, f.scalars, f.step, f.partials, partials, f.losses, rows);
}

void CudaOps::adamw(const Adam& a, std::uint64_t matrices, std::uint64_t count, const RunConfig& config,
                    Here at) const {
  launch(kernels::adamw_step(engine_.storage, config.adam), "adamw_step",
         {ceil_div(count, 4 * kThreads), 1, 1, kThreads}, at, a.weight, a.copy, a.moment, a.variance, a.gradient,
         a.scalars, config.learning_rate, config.weight_decay, matrices, count);
}

}  // namespace smgate::workload::cuda
