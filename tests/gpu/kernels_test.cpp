// Every kernel on a GPU against its CPU reference: on random numbers as the storage type holds them, so that what is
// apart is the kernel's own. Shapes are the incident's, and lengths fill no tile.
//
// Where a tolerance comes from: kSums is fp32 sums in another order, kPowers exponentials of such sums, too; kRounded
// one rounding to bf16 of what a tensor holds (2^-9 at most, 2^-9.8 in the mean), kRoundedTwice of what it is made of,
// too; others stand at their test.
#include <numeric>
#include <utility>

#include "tests/gpu/kernel_lab.hpp"

namespace smgate::workload::test {
namespace {

constexpr double kExact = 0.0, kSums = 1e-5, kPowers = 5e-5, kRounded = 2.5e-3, kRoundedTwice = 6e-3;
constexpr float kEps = 1e-6f, kTheta = 1e6f;
constexpr std::uint32_t kBatch = 2, kSeq = 100, kRows = kBatch * kSeq, kHidden = 896;
constexpr AttentionShape kStudent{14, 2, 64, kSeq}, kTeacher{12, 2, 128, kSeq};

TEST_F(GpuKernel, EmbeddingGivesTheTablesRows) {
  in_both([](Lab& lab) {
    const auto tokens = random_tokens(kRows, 50, 1);
    const Values table = lab.stored(random_values(50 * kHidden, 2));
    const Address out = lab.room(kRows * kHidden);
    lab.ops().embedding(out, lab.put(tokens), lab.put_stored(table), kRows, kHidden);
    Values wanted(kRows * kHidden);
    reference(bodies::embedding_forward(kHidden), {wanted.data(), tokens.data(), std::as_const(table).data(), kRows});
    lab.expect_near("embedding", lab.floats(out, wanted.size()), wanted, kExact, kExact);
  });
}

// Of 50 tokens every one occurs several times. The order of the sums is the reference's.
TEST_F(GpuKernel, EmbeddingGradientAddsEachTokensRows) {
  in_both([](Lab& lab) {
    const auto tokens = random_tokens(kRows, 50, 1);
    const Values dstream = random_values(kRows * kHidden, 2);
    Values wanted = random_values(50 * kHidden, 3);
    const Address dtable = lab.put(wanted);
    lab.ops().embedding_backward(dtable, lab.put(tokens), lab.put(dstream), kRows, kHidden);
    reference(bodies::embedding_backward(kHidden), {wanted.data(), tokens.data(), dstream.data(), kRows});
    lab.expect_near("embedding gradient", lab.floats(dtable, wanted.size()), wanted, kSums, kSums);
  });
}

TEST_F(GpuKernel, RmsNormAddsTheBranchAndNorms) {
  in_both([](Lab& lab) {
    const Values stream = random_values(kRows * kHidden, 1), gamma = random_values(kHidden, 2);
    const Values branch = lab.stored(random_values(kRows * kHidden, 3));
    const Address out = lab.room(kRows * kHidden), inverse = lab.room(kRows), sum = lab.room(kRows * kHidden);
    lab.ops().rmsnorm({out, inverse, sum, lab.put(stream), lab.put_stored(branch), lab.put(gamma)}, kRows, kHidden,
                      kEps);
    Values wanted_sum(stream.size()), wanted(stream.size()), wanted_inverse(kRows);
    reference(bodies::residual_add_forward(),
              {wanted_sum.data(), stream.data(), branch.data(), static_cast<std::uint32_t>(stream.size())});
    reference(bodies::rmsnorm_forward(kHidden, kEps),
              {wanted.data(), wanted_inverse.data(), std::as_const(wanted_sum).data(), gamma.data(), kRows});
    lab.expect_near("residual sum", lab.floats(sum, wanted.size()), wanted_sum, kExact, kExact);
    lab.expect_near("rmsnorm inverse", lab.floats(inverse, kRows), wanted_inverse, kSums, kSums);
    lab.expect_near("rmsnorm", lab.stored_at(out, wanted.size()), wanted, kSums, kRounded);
  });
}

// Adds to the residual's gradient. Its second stage adds what each block of rows left.
TEST_F(GpuKernel, RmsNormGradientOfInputAndGamma) {
  in_both([](Lab& lab) {
    const Values x = random_values(kRows * kHidden, 1), gamma = random_values(kHidden, 2);
    const Values dout = lab.stored(random_values(kRows * kHidden, 3)), before = random_values(kRows * kHidden, 4);
    Values inverse(kRows), unused(x.size()), dx(x.size()), partial(x.size()), dgamma(kHidden);
    reference(bodies::rmsnorm_forward(kHidden, kEps), {unused.data(), inverse.data(), x.data(), gamma.data(), kRows});
    reference(bodies::rmsnorm_backward(), {dx.data(), partial.data(), dout.data(), x.data(), gamma.data(),
                                           std::as_const(inverse).data(), kRows, kHidden});
    reference(bodies::rms_norm_gamma_reduce(), {dgamma.data(), partial.data(), kRows, kHidden});
    const Address dstream = lab.put(before), copy = lab.room(x.size()), got = lab.room(kHidden);
    const Address parts = lab.room(std::size_t{cuda::kernels::kPartialBlocksMax} * kHidden);
    lab.ops().rmsnorm_backward(
        {dstream, copy, parts, lab.put_stored(dout), lab.put(x), lab.put(gamma), lab.put(inverse), true}, kRows,
        kHidden);
    lab.ops().gamma_reduce(got, parts, kRows, kHidden);
    lab.expect_near("rmsnorm dx", lab.floats(dstream, x.size()), sum_of(before, dx), kSums, kSums);
    lab.expect_near("rmsnorm dx, stored", lab.stored_at(copy, x.size()), sum_of(before, dx), kSums, kRounded);
    lab.expect_near("rmsnorm dgamma", lab.floats(got, kHidden), dgamma, kSums, kSums);
  });
}

// Queries, keys and values as rows of their own, as the references have them.
struct Split {
  Values q, k, v;
};

Split split(const Values& fused, AttentionShape shape) {
  const std::size_t q = std::size_t{shape.heads} * shape.head_dim, kv = std::size_t{shape.kv_heads} * shape.head_dim;
  Split parts;
  for (auto row = fused.begin(); row != fused.end(); row += static_cast<std::ptrdiff_t>(q + 2 * kv)) {
    const auto k = row + static_cast<std::ptrdiff_t>(q), v = k + static_cast<std::ptrdiff_t>(kv);
    parts.q.insert(parts.q.end(), row, k);
    parts.k.insert(parts.k.end(), k, v);
    parts.v.insert(parts.v.end(), v, v + static_cast<std::ptrdiff_t>(kv));
  }
  return parts;
}

std::uint32_t fused_width(AttentionShape shape) { return (shape.heads + 2 * shape.kv_heads) * shape.head_dim; }

void add_bias(Values& rows, const Values& bias) {
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] += bias[i % bias.size()];
}

// An angle is a product in fp32: at position 100 it is off by up to 1e-5, which is what its sine and cosine are off by.
constexpr double kAngles = 5e-5;

TEST_F(GpuKernel, RopeAddsBiasesAndRotates) {
  in_both([](Lab& lab) {
    const std::uint32_t width = fused_width(kStudent);
    Values qkv = lab.stored(random_values(kRows * width, 1));
    const Values bias = random_values(width, 2);
    const Address at = lab.put_stored(qkv);
    lab.ops().rope(at, lab.put(bias), kStudent, kTheta, kRows);
    add_bias(qkv, bias);
    Split wanted = split(qkv, kStudent);
    const auto [heads, kv_heads, dim, seq] = kStudent;
    reference(bodies::rope_forward(heads, dim, seq, kTheta), {wanted.q.data(), kRows});
    reference(bodies::rope_forward(kv_heads, dim, seq, kTheta), {wanted.k.data(), kRows});
    const Split got = split(lab.stored_at(at, qkv.size()), kStudent);
    lab.expect_near("rope q", got.q, wanted.q, kAngles, kRounded);
    lab.expect_near("rope k", got.k, wanted.k, kAngles, kRounded);
    lab.expect_near("bias v", got.v, wanted.v, kSums, kRounded);
  });
}

// One gradient a query head becomes one a key or value head.
Values group_sums(const Values& per_query, AttentionShape shape) {
  const std::size_t dim = shape.head_dim, group = shape.heads / shape.kv_heads;
  Values sums(per_query.size() / group);
  for (std::size_t i = 0; i < per_query.size(); ++i) sums[i / (dim * group) * dim + i % dim] += per_query[i];
  return sums;
}

Values column_sums(const Values& rows, std::size_t columns) {
  Values sums(columns);
  reference(bodies::bias_grad_reduce(), {sums.data(), rows.data(), static_cast<std::uint32_t>(rows.size() / columns),
                                         static_cast<std::uint32_t>(columns)});
  return sums;
}

TEST_F(GpuKernel, RopeGradientAddsGroupsRotatesBackAndSumsBiases) {
  in_both([](Lab& lab) {
    const auto [heads, kv_heads, dim, seq] = kStudent;
    const std::size_t count = std::size_t{kRows} * heads * dim, width = fused_width(kStudent);
    const Values dq = lab.stored(random_values(count, 1)), dk = lab.stored(random_values(count, 2));
    const Values dv = lab.stored(random_values(count, 3));
    Split wanted{dq, group_sums(dk, kStudent), group_sums(dv, kStudent)};
    reference(bodies::rope_backward(heads, dim, seq, kTheta), {wanted.q.data(), kRows});
    reference(bodies::rope_backward(kv_heads, dim, seq, kTheta), {wanted.k.data(), kRows});
    const Address dqkv = lab.room(kRows * width), dbias = lab.room(width);
    const Address parts = lab.room(cuda::kernels::kRopeBlocksMax * width);
    lab.ops().rope_backward({dqkv, parts, lab.put_stored(dq), lab.put_stored(dk), lab.put_stored(dv)}, kStudent, kTheta,
                            kRows);
    lab.ops().bias_reduce(dbias, parts, kRows, kSeq, static_cast<std::uint32_t>(width));
    const Split got = split(lab.stored_at(dqkv, kRows * width), kStudent);
    const Split bias = split(lab.floats(dbias, width), kStudent);
    lab.expect_near("rope dq", got.q, wanted.q, kAngles, kRounded);
    lab.expect_near("rope dk", got.k, wanted.k, kAngles, kRounded);
    lab.expect_near("rope dv", got.v, wanted.v, kSums, kRounded);
    lab.expect_near("q bias gradient", bias.q, column_sums(wanted.q, std::size_t{heads} * dim), kAngles, kAngles);
    lab.expect_near("k bias gradient", bias.k, column_sums(wanted.k, std::size_t{kv_heads} * dim), kAngles, kAngles);
    lab.expect_near("v bias gradient", bias.v, column_sums(wanted.v, std::size_t{kv_heads} * dim), kSums, kSums);
  });
}

// The references' way: scores, softmax, context; and back.
struct AttentionReference {
  Values context, probabilities;

  AttentionReference(const Split& in, AttentionShape shape)
      : context(in.q.size()), probabilities(std::size_t{kBatch} * shape.heads * shape.seq * shape.seq) {
    Values scores(probabilities.size());
    reference(bodies::attention_scores_forward(shape), {scores.data(), in.q.data(), in.k.data(), kBatch});
    reference(bodies::batched_softmax_forward(),
              {probabilities.data(), std::as_const(scores).data(), kBatch * shape.heads * shape.seq, shape.seq});
    reference(bodies::attention_context_forward(shape),
              {context.data(), std::as_const(probabilities).data(), in.v.data(), kBatch});
  }

  Split gradient(const Values& dout, const Split& in, AttentionShape shape) const {
    Split d{Values(in.q.size()), Values(in.k.size()), Values(in.v.size())};
    Values dp(probabilities.size()), ds(probabilities.size());
    reference(bodies::attention_context_backward_p(shape), {dp.data(), dout.data(), in.v.data(), kBatch});
    reference(bodies::attention_context_backward_v(shape), {d.v.data(), probabilities.data(), dout.data(), kBatch});
    reference(bodies::batched_softmax_backward(),
              {ds.data(), std::as_const(dp).data(), probabilities.data(), kBatch * shape.heads * shape.seq, shape.seq});
    reference(bodies::attention_scores_backward_q(shape), {d.q.data(), std::as_const(ds).data(), in.k.data(), kBatch});
    reference(bodies::attention_scores_backward_k(shape), {d.k.data(), std::as_const(ds).data(), in.q.data(), kBatch});
    return d;
  }
};

// In bf16 probabilities and the gradients of scores are rounded before they are multiplied again, and the backward pass
// reads the forward one's rounded result.
TEST_F(GpuKernel, AttentionAndItsGradients) {
  in_both([](Lab& lab) {
    for (const AttentionShape shape : {kStudent, kTeacher}) {
      const std::size_t count = std::size_t{kRows} * shape.heads * shape.head_dim;
      const std::size_t sums = std::size_t{kRows} * shape.heads;
      const Values qkv = lab.stored(random_values(std::size_t{kRows} * fused_width(shape), 1));
      const Values dout = lab.stored(random_values(count, 2));
      const Split in = split(qkv, shape);
      const AttentionReference wanted(in, shape);
      const Address at = lab.put_stored(qkv), out = lab.room(count), lse = lab.room(sums), delta = lab.room(sums);
      const Address dq = lab.room(count), dk = lab.room(count), dv = lab.room(count);
      lab.ops().attention(out, lse, at, shape, kBatch);
      lab.ops().attention_backward({dq, dk, dv, delta, lab.put_stored(dout), out, lse, at}, shape, kBatch);
      const Split d = wanted.gradient(dout, in, shape);
      lab.expect_near("attention", lab.stored_at(out, count), wanted.context, kPowers, kRoundedTwice);
      lab.expect_near("attention dq", lab.stored_at(dq, count), d.q, kPowers, kRoundedTwice);
      lab.expect_near("attention dk", group_sums(lab.stored_at(dk, count), shape), d.k, kPowers, kRoundedTwice);
      lab.expect_near("attention dv", group_sums(lab.stored_at(dv, count), shape), d.v, kPowers, kRoundedTwice);
    }
  });
}

constexpr std::uint32_t kInner = 4864, kFew = 37;

// Rows of the one beside rows of the other.
Values side_by_side(const Values& left, const Values& right) {
  Values both;
  for (std::ptrdiff_t row = 0; row < kFew; ++row) {
    both.insert(both.end(), left.begin() + row * kInner, left.begin() + (row + 1) * kInner);
    both.insert(both.end(), right.begin() + row * kInner, right.begin() + (row + 1) * kInner);
  }
  return both;
}

// The gradients lie in the places of gate and up, and the product is made again.
TEST_F(GpuKernel, SwiGluAndItsGradients) {
  in_both([](Lab& lab) {
    const std::uint32_t count = kFew * kInner;
    const Values gate = lab.stored(random_values(count, 1)), up = lab.stored(random_values(count, 2));
    const Values dout = lab.stored(random_values(count, 3)), both = side_by_side(gate, up);
    Values silu(count), made(count), dsilu(count), dgate(count), dup(count);
    reference(bodies::silu_forward(), {silu.data(), gate.data(), count});
    reference(bodies::elementwise_mul_forward(), {made.data(), std::as_const(silu).data(), up.data(), count});
    reference(bodies::elementwise_mul_forward(), {dup.data(), std::as_const(silu).data(), dout.data(), count});
    reference(bodies::elementwise_mul_forward(), {dsilu.data(), up.data(), dout.data(), count});
    reference(bodies::silu_backward(), {dgate.data(), std::as_const(dsilu).data(), gate.data(), count});
    const Address gate_up = lab.put_stored(both), out = lab.room(count), product = lab.put_stored(dout);
    lab.ops().swiglu(out, gate_up, kFew, kInner);
    lab.expect_near("swiglu", lab.stored_at(out, count), made, kSums, kRounded);
    lab.ops().swiglu_backward(gate_up, product, kFew, kInner);
    lab.expect_near("swiglu dgate, dup", lab.stored_at(gate_up, both.size()), side_by_side(dgate, dup), kSums,
                    kRounded);
    lab.expect_near("swiglu, made again", lab.stored_at(product, count), made, kSums, kRounded);
  });
}

// The reference adds 151,936 exponentials one by one in fp32, which alone costs it some 1e-5; the gradient is a
// difference of probabilities.
TEST_F(GpuKernel, KdLossAndItsGradient) {
  constexpr double kLongSums = 2e-4;
  in_both([](Lab& lab) {
    RunConfig config = *config_of_scale("seed");
    const std::uint32_t rows = 5, vocab = config.student.vocab;
    const Values student = lab.stored(random_values(std::size_t{rows} * vocab, 1, 2.0f));
    const Values teacher = lab.stored(random_values(std::size_t{rows} * vocab, 2, 3.0f));
    const auto labels = random_tokens(rows, vocab, 3);
    Values wanted(student.size()), wanted_losses(2 * rows);
    reference(bodies::kd_loss(vocab, config.alpha, config.temperature),
              {wanted.data(), wanted_losses.data(), student.data(), teacher.data(), labels.data(), rows});
    const Address logits = lab.put_stored(student), losses = lab.room(2 * rows);
    lab.ops().kd_loss({logits, losses, lab.put_stored(teacher), lab.put(labels)}, rows, config, rows);
    lab.expect_near("kd losses", lab.floats(losses, 2 * rows), wanted_losses, kLongSums, kLongSums);
    lab.expect_near("kd dlogits", lab.stored_at(logits, student.size()), wanted, kLongSums, kRounded);
  });
}

// A run's state on the CPU: two steps, the first one's gradient above the clip. Vectors come after matrices and do not
// decay.
struct AdamReference {
  static constexpr std::uint32_t kCount = 40'000, kMatrices = 30'000;
  Values weight = random_values(kCount, 1), moment = Values(kCount), variance = Values(kCount);

  static Values gradient_of(std::uint32_t step) { return random_values(kCount, 5 + step, step == 0 ? 1.0f : 1e-4f); }

  // Norm and scale.
  Values step(std::uint32_t index, const RunConfig& config) {
    Values gradient = gradient_of(index), blocks(blocks_for(kCount));
    reference(bodies::grad_norm_partials(), {blocks.data(), std::as_const(gradient).data(), kCount});
    const float norm = std::sqrt(std::accumulate(blocks.begin(), blocks.end(), 0.0f));
    const float scale = norm <= config.gradient_norm_max ? 1.0f : config.gradient_norm_max / norm;
    reference(bodies::grad_scale(), {gradient.data(), scale, kCount});
    const auto t = static_cast<float>(index + 1);
    for (const std::uint32_t from : {0u, kMatrices}) {
      const std::uint32_t to = from == 0 ? kMatrices : kCount;
      reference(bodies::adamw_step(config.adam),
                {weight.data() + from, moment.data() + from, variance.data() + from,
                 std::as_const(gradient).data() + from, config.learning_rate, from == 0 ? config.weight_decay : 0.0f,
                 1.0f - std::pow(config.adam.beta1, t), 1.0f - std::pow(config.adam.beta2, t), to - from});
    }
    return {norm, scale};
  }
};

TEST_F(GpuKernel, ClippingAndAdamW) {
  in_both([](Lab& lab) {
    RunConfig config = *config_of_scale("tiny");
    config.learning_rate = 1e-3f;
    AdamReference wanted;
    constexpr std::uint32_t kCount = AdamReference::kCount, kMatrices = AdamReference::kMatrices;
    const Address scalars = lab.room(6), step = lab.put(std::vector<std::uint32_t>{0}), copy = lab.room(kMatrices);
    const Address partials = lab.room(cuda::kernels::kNormBlocks), losses = lab.put(Values(2 * config.rows()));
    const Address w = lab.put(wanted.weight), m = lab.put(wanted.moment), v = lab.put(wanted.variance);
    for (const std::uint32_t i : {0u, 1u}) {
      const Address gradient = lab.put(AdamReference::gradient_of(i));
      lab.ops().finish({scalars, step, partials, gradient, losses}, kCount, config);
      lab.ops().adamw({w, copy, m, v, gradient, scalars}, kMatrices, kCount, config);
      const Values got = lab.floats(scalars, 6);
      lab.expect_near("gradient norm and clip", {got[2], got[3]}, wanted.step(i, config), kSums, kSums);
    }
    const Values weight = lab.floats(w, kCount), decayed(weight.begin(), weight.begin() + kMatrices);
    lab.expect_near("adamw weight", weight, wanted.weight, kSums, kSums);
    lab.expect_near("adamw moment", lab.floats(m, kCount), wanted.moment, kSums, kSums);
    lab.expect_near("adamw variance", lab.floats(v, kCount), wanted.variance, kSums, kSums);
    if (lab.storage() == Storage::kF32) return;
    lab.expect_near("adamw copy", lab.stored_at(copy, kMatrices), lab.stored(decayed), kExact, kExact);
  });
}

// The library's three products. TF32 is the trainer's to test.
TEST_F(GpuKernel, Products) {
  in_both([](Lab& lab) {
    const GemmShape shape{kRows, 96, 56};
    const Values x = lab.stored(random_values(shape.m * shape.k, 1)),
                 w = lab.stored(random_values(shape.k * shape.n, 2));
    const Values dy = lab.stored(random_values(shape.m * shape.n, 3));
    Values y(dy.size()), dx(x.size()), dw(w.size());
    reference(bodies::gemm_forward(shape), {y.data(), x.data(), w.data()});
    reference(bodies::gemm_backward_a(shape), {dx.data(), dy.data(), w.data()});
    reference(bodies::gemm_backward_b(shape), {dw.data(), dy.data(), x.data()});
    const Address xs = lab.put_stored(x), ws = lab.put_stored(w), dys = lab.put_stored(dy);
    const Address ys = lab.room(y.size()), dxs = lab.room(dx.size()), dws = lab.room(dw.size());
    lab.ops().gemm(cuda::Product::kOutput, shape, {ys, xs, ws});
    lab.ops().gemm(cuda::Product::kInputGradient, shape, {dxs, dys, ws});
    lab.ops().gemm(cuda::Product::kWeightGradient, shape, {dws, dys, xs});
    lab.expect_near("product y", lab.stored_at(ys, y.size()), y, kSums, kRounded);
    lab.expect_near("product dx", lab.stored_at(dxs, dx.size()), dx, kSums, kRounded);
    lab.expect_near("product dw", lab.floats(dws, dw.size()), dw, kSums, kSums);
  });
}

// Against the library's product and the kernel behind it, which the tests around this one hold against references.
// Where the two are one kernel, they round alike; the numbers of rows and columns fill no tile.
TEST_F(GpuKernel, GatedLinearIsTheProductAndThenSwiGlu) {
  constexpr std::uint32_t kRowsHere = 300, kDepth = 200, kWidth = 208, kCount = kRowsHere * kWidth;
  in_both([](Lab& lab) {
    const Address x = lab.put_stored(lab.stored(random_values(kRowsHere * kDepth, 1)));
    const Address weights = lab.put_stored(lab.stored(random_values(2 * kWidth * kDepth, 2, 0.1f)));
    const Address both = lab.room(2 * kCount), mlp = lab.room(kCount);
    lab.ops().gemm(cuda::Product::kOutput, {kRowsHere, kDepth, 2 * kWidth}, {both, x, weights});
    lab.ops().swiglu(mlp, both, kRowsHere, kWidth);
    for (const bool keeps : {true, false}) {
      const Address kept = lab.room(2 * kCount), made = lab.room(kCount);
      lab.ops().gated_linear({made, kept, x, weights, keeps}, kRowsHere, kDepth, kWidth);
      lab.expect_near("gated linear", lab.stored_at(made, kCount), lab.stored_at(mlp, kCount), kSums, kRounded);
      if (!keeps) continue;
      lab.expect_near("gate and up", lab.stored_at(kept, 2 * kCount), lab.stored_at(both, 2 * kCount), kSums, kRounded);
    }
  });
}

}  // namespace
}  // namespace smgate::workload::test
