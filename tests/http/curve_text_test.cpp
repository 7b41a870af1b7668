// How numbers of a curve are written.
#include "server/curves/curve_text.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace smgate::curves {
namespace {

using nlohmann::json;
using store::CurvePoint;

CurvePoint of_loss(std::int64_t step, std::optional<double> loss) {
  CurvePoint point;
  point.step = step;
  point.loss = loss;
  return point;
}

TEST(CurveText, HasTheDigitsThatNumbersCameWith) {
  CurvePoint point = of_loss(7, 3.0530137907990995);
  point.ce = 0.1F;
  point.kl = 16777216.0F;
  point.grad_norm = 1e-30F;
  point.tokens = 8192;
  EXPECT_EQ(points_text({point}),
            R"({"step":[7],"loss":[3.0530137907990995],"ce":[0.1],"kl":[16777216],"grad_norm":[1e-30],"ms":[null],)"
            R"("tokens":[8192]})");
}

TEST(CurveText, WritesWhatIsNotFiniteAsText) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const json loss = json::parse(points_text({of_loss(0, std::numeric_limits<double>::quiet_NaN()),
                                             of_loss(1, kInfinity), of_loss(2, -kInfinity), of_loss(3, {})}))["loss"];
  EXPECT_EQ(loss, json({"NaN", "Infinity", "-Infinity", nullptr}));
}

TEST(CurveText, ReadsBackAsTheSameNumbersHoweverLongTheyAre) {
  constexpr auto kLowest = std::numeric_limits<double>::lowest();
  constexpr auto kSmallest = -std::numeric_limits<double>::denorm_min();
  constexpr auto kStep = std::numeric_limits<std::int64_t>::min();
  const json points = json::parse(points_text({of_loss(kStep, kLowest), of_loss(0, kSmallest), of_loss(1, 1.0 / 3)}));
  EXPECT_EQ(points["loss"], json({kLowest, kSmallest, 1.0 / 3}));
  EXPECT_EQ(points["step"], json({kStep, 0, 1}));
}

TEST(CurveText, IsWholeWithoutAPoint) {
  const json curve = json::parse(to_text({store::Job{}, 1, 0, 0, 0, {}}));
  EXPECT_EQ(curve["points"]["tokens"], json::array());
  EXPECT_EQ(curve["complete"], false);
}

}  // namespace
}  // namespace smgate::curves
