#include "runner/workload/cache/cubin.hpp"

#include <gtest/gtest.h>

namespace smgate::workload::test {
namespace {

std::string header(char abi, std::uint32_t flags) {
  std::string bytes(64, '\0');
  bytes.replace(0, 9,
                std::string("\x7f"
                            "ELF\2\1\1\x41",
                            8) +
                    abi);
  bytes[18] = static_cast<char>(190);
  for (std::size_t i = 0; i < 4; ++i) bytes[48 + i] = static_cast<char>(flags >> (8 * i) & 255);
  return bytes;
}

TEST(CubinTarget, IsReadFromBothLayoutsOfTheFlags) {
  EXPECT_EQ(cubin_target(header(8, 0x6005904)), "sm_89");
  EXPECT_EQ(cubin_target(header(8, 0x6007902)), "sm_121");
  EXPECT_EQ(cubin_target(header(8, 0x600640a)), "sm_100a");
  EXPECT_EQ(cubin_target(header(7, 0x00590559)), "sm_89");
  EXPECT_EQ(cubin_target(header(7, 0x005a0d5a)), "sm_90a");
}

TEST(CubinTarget, IsNoneWhereTheBytesAreNoCubin) {
  const std::string good = header(8, 0x6005904);
  for (std::size_t length = 0; length < good.size(); ++length) EXPECT_FALSE(cubin_target(good.substr(0, length)));
  for (const std::size_t at : {0u, 1u, 4u, 5u, 18u, 19u}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    EXPECT_FALSE(cubin_target(bad)) << at;
  }
  EXPECT_FALSE(cubin_target(header(8, 0)));
  EXPECT_FALSE(cubin_target(std::string(1000, '\xff')));
}

TEST(PtxTarget, IsReadFromItsPreamble) {
  EXPECT_EQ(ptx_target("//\n.version 9.0\n.target sm_89\n.address_size 64\n"), "compute_89");
  EXPECT_EQ(ptx_target(".version 9.0\n.target sm_121a, debug\n"), "compute_121a");
  EXPECT_FALSE(ptx_target("extern \"C\" __global__ void k() {}"));
  EXPECT_FALSE(ptx_target(".version 9.0\n" + std::string(5000, ' ') + ".target sm_89"));
}

TEST(RunsNatively, WithinAMajorUpwardsAndForOneArchitectureAlone) {
  EXPECT_TRUE(runs_natively("sm_89", "sm_89"));
  EXPECT_TRUE(runs_natively("sm_86", "sm_89"));
  EXPECT_TRUE(runs_natively("sm_120", "sm_121"));
  EXPECT_FALSE(runs_natively("sm_121", "sm_120"));
  EXPECT_FALSE(runs_natively("sm_89", "sm_90"));
  EXPECT_FALSE(runs_natively("sm_89", "sm_121"));
  EXPECT_TRUE(runs_natively("sm_90a", "sm_90"));
  EXPECT_FALSE(runs_natively("sm_120a", "sm_121"));
  EXPECT_FALSE(runs_natively("compute_89", "sm_89"));
  for (const char* nonsense : {"", "sm_", "sm_x", "sm_89z", "sm_99999999999"})
    EXPECT_FALSE(runs_natively(nonsense, "sm_89"));
}

}  // namespace
}  // namespace smgate::workload::test
