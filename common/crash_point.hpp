// Named places where a test stops the process as kill -9 would, to prove that nothing acknowledged is lost. The
// variable SMGATE_CRASH_AT=NAME arms one; SMGATE_CRASH_ONCE=FILE makes it go off once: the file is created first, and
// where it exists already the point is passed. Unarmed, a point costs one load.
#pragma once

#include <span>
#include <string_view>

namespace smgate {

// `name` must stand in the program's list, which `smgate-server crash-points` and `smgate-runner crash-points` print.
void crash_point(std::string_view name);

// Called once by main, before threads start: reads the environment.
void arm_crash_points(std::span<const std::string_view> known);

}  // namespace smgate
