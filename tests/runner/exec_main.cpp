// The test program is also its own supervisor: run_child starts /proc/self/exe.
#include <gtest/gtest.h>

#include <string_view>

#include "runner/exec/child.hpp"
#include "runner/exec/supervisor.hpp"

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "supervise") return smgate::exec::supervise();
  testing::InitGoogleTest(&argc, argv);
  smgate::exec::become_subreaper();
  return RUN_ALL_TESTS();
}
