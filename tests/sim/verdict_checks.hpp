// What must be true when all is quiet, whatever happened on the way.
#pragma once

#include "tests/sim/world.hpp"

namespace smgate::sim {

inline constexpr int kCalmStepsMax = 6'000;  // an hour and more: every retry and the longest back-off fit

// Steps without chaos until nothing is left to do; fails the test where something waits for ever.
void calm_down(World& world);
// Each run has the verdict of its commit, and each commit's checks on GitHub show it; nothing is open.
void expect_all_right(World& world);

}  // namespace smgate::sim
