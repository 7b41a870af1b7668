// Every backward pass against central differences of its forward pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "runner/workload/base/random.hpp"
#include "runner/workload/kernels/kernel.hpp"
#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

using Values = std::vector<float>;

Values random_values(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  Values values(count);
  std::generate(values.begin(), values.end(), [&] { return random.normal(); });
  return values;
}

void launch(const Body& body, const Args& args) { body.definition().cpu(body, args); }

double dot(const Values& a, const Values& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0, std::plus<>(),
                            [](float x, float y) { return double{x} * double{y}; });
}

// Holds `gradient` against central differences of dot(dout, forward(x)), element by element. The tolerance is a share
// of the greatest element: what single precision leaves of a difference over 2e-2.
void expect_gradient(Values x, const Values& dout, const std::function<Values(const Values&)>& forward,
                     const Values& gradient) {
  constexpr float kStep = 1e-2f;
  float greatest = 0.0f;
  for (const float value : gradient) greatest = std::max(greatest, std::fabs(value));
  ASSERT_GT(greatest, 0.0f);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float kept = x[i];
    x[i] = kept + kStep;
    const double above = dot(dout, forward(x));
    x[i] = kept - kStep;
    const double below = dot(dout, forward(x));
    x[i] = kept;
    EXPECT_NEAR(gradient[i], (above - below) / (2.0 * double{kStep}), 5e-3 * double{greatest}) << "element " << i;
  }
}

TEST(SiluGradient, AgreesWithDifferences) {
  const Values x = random_values(24, 1), dout = random_values(24, 2);
  Values dx(24);
  launch(bodies::silu_backward(), {dx.data(), dout.data(), x.data(), 24u});
  expect_gradient(
      x, dout,
      [](const Values& in) {
        Values out(in.size());
        launch(bodies::silu_forward(), {out.data(), in.data(), 24u});
        return out;
      },
      dx);
}

TEST(SoftmaxGradient, AgreesWithDifferences) {
  const Values x = random_values(24, 1), dout = random_values(24, 2);
  const auto forward = [](const Values& in) {
    Values out(in.size());
    launch(bodies::batched_softmax_forward(), {out.data(), in.data(), 3u, 8u});
    return out;
  };
  Values dx(24);
  const Values probabilities = forward(x);
  launch(bodies::batched_softmax_backward(), {dx.data(), dout.data(), probabilities.data(), 3u, 8u});
  expect_gradient(x, dout, forward, dx);
}

Values rmsnorm(const Values& x, const Values& gamma, Values& inverse) {
  Values out(x.size());
  inverse.resize(3);
  launch(bodies::rmsnorm_forward(8, 1e-6f), {out.data(), inverse.data(), x.data(), gamma.data(), 3u});
  return out;
}

TEST(RmsNormGradient, OfTheInputAndOfGammaThroughBothKernels) {
  const Values x = random_values(24, 1), gamma = random_values(8, 2), dout = random_values(24, 3);
  Values inverse, dx(24), partial(24), dgamma(8);
  rmsnorm(x, gamma, inverse);
  launch(bodies::rmsnorm_backward(),
         {dx.data(), partial.data(), dout.data(), x.data(), gamma.data(), inverse.data(), 3u, 8u});
  launch(bodies::rms_norm_gamma_reduce(), {dgamma.data(), partial.data(), 3u, 8u});
  Values unused;
  expect_gradient(
      x, dout, [&](const Values& in) { return rmsnorm(in, gamma, unused); }, dx);
  expect_gradient(
      gamma, dout, [&](const Values& in) { return rmsnorm(x, in, unused); }, dgamma);
}

TEST(RopeGradient, TurnsBackWhatForwardTurned) {
  const Values x = random_values(2 * 4 * 3 * 6, 1);
  Values turned = x;
  launch(bodies::rope_forward(3, 6, 4, 1e4f), {turned.data(), 8u});
  EXPECT_GT(std::fabs(turned[18 + 0] - x[18 + 0]), 1e-3f);  // position 1 moves,
  EXPECT_FLOAT_EQ(turned[0], x[0]);                         // position 0 does not
  launch(bodies::rope_backward(3, 6, 4, 1e4f), {turned.data(), 8u});
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(turned[i], x[i], 1e-5);
}

TEST(GemmGradient, OfTheInputAndOfTheWeights) {
  const GemmShape shape{5, 11, 7};  // no multiple of a vector or a tile
  const Values x = random_values(55, 1), w = random_values(77, 2), dout = random_values(35, 3);
  const auto forward = [&](const Values& in, const Values& weights) {
    Values out(35);
    launch(bodies::gemm_forward(shape), {out.data(), in.data(), weights.data()});
    return out;
  };
  Values dx(55), dw(77);
  launch(bodies::gemm_backward_a(shape), {dx.data(), dout.data(), w.data()});
  launch(bodies::gemm_backward_b(shape), {dw.data(), dout.data(), x.data()});
  expect_gradient(
      x, dout, [&](const Values& in) { return forward(in, w); }, dx);
  expect_gradient(
      w, dout, [&](const Values& in) { return forward(x, in); }, dw);
}

// Six heads over two: groups of three share keys and values.
constexpr AttentionShape kAttention{6, 2, 4, 5};
constexpr std::uint32_t kBatch = 2;
constexpr std::size_t kQueries = kBatch * 5 * 6 * 4, kValues = kBatch * 5 * 2 * 4, kPairs = kBatch * 6 * 5 * 5;

// Scores with what lies above the diagonal taken out: minus infinity has no differences.
Values scores(const Values& q, const Values& k) {
  Values out(kPairs);
  launch(bodies::attention_scores_forward(kAttention), {out.data(), q.data(), k.data(), kBatch});
  for (float& value : out) value = std::isinf(value) ? 0.0f : value;
  return out;
}

Values lower_triangle(Values pairs) {
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (i % 5 > i / 5 % 5) pairs[i] = 0.0f;
  }
  return pairs;
}

TEST(AttentionScoresGradient, OfQueriesAndOfSharedKeys) {
  const Values q = random_values(kQueries, 1), k = random_values(kValues, 2);
  const Values dout = lower_triangle(random_values(kPairs, 3));
  Values dq(kQueries), dk(kValues);
  launch(bodies::attention_scores_backward_q(kAttention), {dq.data(), dout.data(), k.data(), kBatch});
  launch(bodies::attention_scores_backward_k(kAttention), {dk.data(), dout.data(), q.data(), kBatch});
  expect_gradient(
      q, dout, [&](const Values& in) { return scores(in, k); }, dq);
  expect_gradient(
      k, dout, [&](const Values& in) { return scores(q, in); }, dk);
}

Values context(const Values& p, const Values& v) {
  Values out(kQueries);
  launch(bodies::attention_context_forward(kAttention), {out.data(), p.data(), v.data(), kBatch});
  return out;
}

TEST(AttentionContextGradient, OfProbabilitiesAndOfSharedValues) {
  const Values p = random_values(kPairs, 1), v = random_values(kValues, 2), dout = random_values(kQueries, 3);
  Values dp(kPairs), dv(kValues);
  launch(bodies::attention_context_backward_p(kAttention), {dp.data(), dout.data(), v.data(), kBatch});
  launch(bodies::attention_context_backward_v(kAttention), {dv.data(), p.data(), dout.data(), kBatch});
  expect_gradient(
      p, dout, [&](const Values& in) { return context(in, v); }, dp);
  expect_gradient(
      v, dout, [&](const Values& in) { return context(p, in); }, dv);
}

TEST(AttentionScores, SeeNoLaterPosition) {
  Values out(kPairs);
  const Values q = random_values(kQueries, 1), k = random_values(kValues, 2);
  launch(bodies::attention_scores_forward(kAttention), {out.data(), q.data(), k.data(), kBatch});
  for (std::size_t i = 0; i < kPairs; ++i) EXPECT_EQ(std::isinf(out[i]), i % 5 > i / 5 % 5);
}

TEST(KdLossGradient, AgreesWithDifferencesOfTheWholeLoss) {
  constexpr float kAlpha = 0.3f, kTemperature = 4.0f;
  const std::vector<std::int32_t> labels = {3, 0, 7};
  const Values student = random_values(24, 1), teacher = random_values(24, 2);
  const auto run = [&](const Values& logits, Values& dlogits) {
    Values losses(6), weighted(3);
    launch(bodies::kd_loss(8, kAlpha, kTemperature),
           {dlogits.data(), losses.data(), logits.data(), teacher.data(), labels.data(), 3u});
    for (std::size_t row = 0; row < 3; ++row) {
      weighted[row] = kAlpha * losses[2 * row] + (1.0f - kAlpha) * kTemperature * kTemperature * losses[2 * row + 1];
    }
    return weighted;
  };
  Values dlogits(24), unused(24);
  run(student, dlogits);
  expect_gradient(
      student, Values(3, 1.0f / 3.0f), [&](const Values& in) { return run(in, unused); }, dlogits);
}

TEST(KdLoss, IsZeroInItsTeacherPartWhereBothAgree) {
  const Values logits = random_values(16, 1);
  const std::vector<std::int32_t> labels = {3, 0};
  Values dlogits(16), losses(4);
  launch(bodies::kd_loss(8, 0.3f, 4.0f),
         {dlogits.data(), losses.data(), logits.data(), logits.data(), labels.data(), 2u});
  EXPECT_NEAR(losses[1], 0.0, 1e-6);
  EXPECT_GT(losses[0], 0.0f);
}

// The loss with a tensor moved along `direction` by `step`.
double loss_along(CpuTrainer& trainer, Values weights, const TensorInfo& tensor, const Values& direction, double step) {
  for (std::size_t i = 0; i < tensor.count; ++i) {
    weights[tensor.offset + i] += static_cast<float>(step * double{direction[i]});
  }
  trainer.set_student_weights(weights);
  return trainer.forward_backward().loss;
}

// A trained tensor with its gradient.
struct Trained {
  TensorInfo tensor;
  Values gradient;
};

class ModelGradient : public testing::TestWithParam<std::uint32_t> {
 protected:
  ModelGradient() : trainer_(ready_trainer(config(), parts_)) {
    const Model& student = trainer_.student();
    weights_ = seeded_weights(student.layout(), 9, 0.2f);
    // The second half of an adapter starts at zero, where the first has no gradient.
    const Values noise = random_values(GetParam() == 0 ? 0 : student.trained_floats(), 10);
    std::transform(noise.begin(), noise.end(), weights_.end() - static_cast<std::ptrdiff_t>(noise.size()),
                   weights_.end() - static_cast<std::ptrdiff_t>(noise.size()),
                   [](float random, float weight) { return weight + 0.2f * random; });
    trainer_.set_student_weights(weights_);
    trainer_.forward_backward();
    const Values gradients = trainer_.student_gradients();
    for (std::size_t i = student.first_trained(); i < student.layout().size(); ++i) {
      const TensorInfo& tensor = student.layout()[i];
      const auto start = gradients.begin() + static_cast<std::ptrdiff_t>(tensor.offset) -
                         static_cast<std::ptrdiff_t>(student.trained_offset());
      trained_.push_back({tensor, Values(start, start + static_cast<std::ptrdiff_t>(tensor.count))});
    }
  }

  static RunConfig config() {
    RunConfig config = small_config();
    config.lora_rank = GetParam();
    return config;
  }
  double slope(const TensorInfo& tensor, const Values& direction) {
    const double step = 2e-2;
    return (loss_along(trainer_, weights_, tensor, direction, step) -
            loss_along(trainer_, weights_, tensor, direction, -step)) /
           (2.0 * step);
  }

  Parts parts_;
  CpuTrainer trainer_;
  Values weights_;
  std::vector<Trained> trained_;
};

// Along its own gradient a tensor's loss must rise by the gradient's norm, and along one element of it by that element.
TEST_P(ModelGradient, AgreesWithDifferencesInEveryTensor) {
  for (const auto& [tensor, gradient] : trained_) {
    const double norm = std::sqrt(dot(gradient, gradient));
    ASSERT_GT(norm, 1e-6) << tensor.name;
    Values direction = gradient;
    for (float& value : direction) value = static_cast<float>(double{value} / norm);
    EXPECT_NEAR(slope(tensor, direction), norm, 0.01 * norm) << tensor.name;
  }
}

TEST_P(ModelGradient, AgreesWithDifferencesOfSingleWeights) {
  for (const auto& [tensor, gradient] : trained_) {
    const auto greatest = std::max_element(gradient.begin(), gradient.end(),
                                           [](float a, float b) { return std::fabs(a) < std::fabs(b); });
    Values direction(tensor.count, 0.0f);
    direction[static_cast<std::size_t>(greatest - gradient.begin())] = 1.0f;
    EXPECT_NEAR(slope(tensor, direction), double{*greatest}, 0.02 * std::fabs(double{*greatest}) + 2e-5) << tensor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(LoraRank, ModelGradient, testing::Values(0u, 3u));

}  // namespace
}  // namespace smgate::workload::test
