// The web page as a browser is sent it: policy, caching, packing. What it draws is tested in a browser.
#include "server/dashboard/page.hpp"

#include <gmock/gmock.h>

#include "server/dashboard/page_files.hpp"
#include "tests/support/server_fixture.hpp"

namespace smgate::test {
namespace {

using testing::HasSubstr;

class Page : public ServerTest {
 protected:
  HttpAnswer ask(const std::string& path, const Headers& headers = {}) { return http_get(port(), path, headers); }
};

TEST_F(Page, IsServedAtEachOfItsAddressesOrSaysThatItIsMissing) {
  for (const char* path :
       {"/", "/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/compare?run=x", "/trends", "/runners", "/audit"}) {
    const HttpAnswer answer = ask(path);
    EXPECT_EQ(answer.status, 200U) << path;
    EXPECT_THAT(answer.body,
                HasSubstr(dashboard::page_files().empty() ? "was built without its web page" : "<!doctype html>"));
  }
}

TEST_F(Page, TellsABrowserOfAnAddressThatIsNone) {
  if (dashboard::page_files().empty()) GTEST_SKIP() << "built without the page";
  const std::string tag = ask("/").headers.at("etag");
  const HttpAnswer lost = ask("/no/where", {{"Accept", "text/html,*/*"}, {"If-None-Match", tag}});
  EXPECT_EQ(lost.status, 404U);
  EXPECT_THAT(lost.body, HasSubstr("<!doctype html>"));
  EXPECT_THAT(ask("/no/where").body, HasSubstr("no-such-address"));
  EXPECT_THAT(ask("/api/v1/nothing", {{"Accept", "text/html"}}).body, HasSubstr("no-such-address"));
}

TEST_F(Page, AllowsNothingFromElsewhere) {
  if (dashboard::page_files().empty()) GTEST_SKIP() << "built without the page";
  const std::string policy = ask("/").headers.at("content-security-policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'; script-src 'self'; style-src 'self'"));
  EXPECT_THAT(policy, testing::Not(HasSubstr("unsafe")));
}

TEST_F(Page, IsAskedForAgainAndItsAssetsAreKept) {
  if (dashboard::page_files().empty()) GTEST_SKIP() << "built without the page";
  const HttpAnswer index = ask("/");
  EXPECT_EQ(index.headers.at("cache-control"), "no-cache");
  EXPECT_EQ(ask("/", {{"If-None-Match", index.headers.at("etag")}}).status, 304U);
  EXPECT_EQ(ask("/assets/none.js").status, 404U);
  for (const dashboard::PageFile& file : dashboard::page_files())
    if (file.path != "/index.html") {
      EXPECT_THAT(ask(std::string(file.path)).headers.at("cache-control"), HasSubstr("immutable"));
    }
}

TEST_F(Page, IsPackedForThoseWhoTakeIt) {
  for (const dashboard::PageFile& file : dashboard::page_files()) {
    const std::string path = file.path == "/index.html" ? "/" : std::string(file.path);
    EXPECT_EQ(ask(path).body, file.bytes);
    EXPECT_EQ(ask(path, {{"Accept-Encoding", "br, gzip"}}).body, file.gzipped);
    EXPECT_EQ(ask(path, {{"Accept-Encoding", "gzip;q=0"}}).body, file.bytes);
  }
}

}  // namespace
}  // namespace smgate::test
