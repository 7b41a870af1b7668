// The test program is also the agent that it tests, and the agent's supervisor: /proc/self/exe.
#include <gtest/gtest.h>

#include <cstdio>
#include <string_view>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "runner/agent/agent.hpp"
#include "runner/agent/crash_points.hpp"
#include "runner/exec/supervisor.hpp"

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "supervise") return smgate::exec::supervise();
  if (command == "agent") {
    const auto config = smgate::agent::load_agent_config(argv[2]);
    if (!config) std::fprintf(stderr, "%s\n", config.error().text().c_str());
    smgate::arm_crash_points(smgate::agent::kCrashPoints);
    smgate::set_up_log("agent", "warn");
    return config ? smgate::agent::run_agent(*config) : 2;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
