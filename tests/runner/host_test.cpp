#include "runner/device/host.hpp"

#include <gtest/gtest.h>

namespace smgate::device {
namespace {

TEST(HostMemory, IsReadFromMeminfo) {
  const auto memory = parse_meminfo("MemTotal:       65536 kB\nMemFree:  1 kB\nMemAvailable:   32768 kB\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->total_bytes, 64U << 20U);
  EXPECT_EQ(memory->available_bytes, 32U << 20U);
}

TEST(HostMemory, IsUnknownWhereALineIsMissingOrBroken) {
  EXPECT_FALSE(parse_meminfo("MemTotal: 65536 kB\n"));
  EXPECT_FALSE(parse_meminfo("MemTotal: x kB\nMemAvailable: 1 kB\n"));
  EXPECT_FALSE(parse_meminfo(""));
}

TEST(HostMemory, OfThisHostIsPlausible) {
  const auto memory = host_memory();
  ASSERT_TRUE(memory);
  EXPECT_LE(memory->available_bytes, memory->total_bytes);
  EXPECT_FALSE(host_name().empty());
}

}  // namespace
}  // namespace smgate::device
