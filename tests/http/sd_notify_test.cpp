#include "common/sd_notify.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/support/scratch.hpp"

namespace smgate {
namespace {

TEST(SdNotify, SendsOneDatagramToTheSocketThatIsNamed) {
  const test::Scratch scratch;
  const std::string path = scratch / "notify";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  EXPECT_TRUE(sd_notify("READY=1"));
  char bytes[32];
  EXPECT_EQ(std::string(bytes, static_cast<std::size_t>(recv(fd, bytes, sizeof(bytes), 0))), "READY=1");
  close(fd);
  unsetenv("NOTIFY_SOCKET");
}

TEST(SdNotify, DoesNothingOutsideOfSystemd) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(sd_notify("READY=1"));
}

}  // namespace
}  // namespace smgate
