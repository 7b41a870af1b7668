#include "server/http/router.hpp"

#include <gtest/gtest.h>

namespace smgate::http {
namespace {

Handler never() {
  return [](Request) -> boost::asio::awaitable<Response> { co_return Response{}; };
}

Router router() {
  Router router;
  router.add({"GET", "/api/v1/runs", never(), 0});
  router.add({"GET", "/api/v1/runs/{id}", never(), 0});
  router.add({"GET", "/api/v1/jobs/{id}/log", never(), 0});
  router.add({"POST", "/webhooks/github", never(), 10});
  return router;
}

TEST(Router, FindsARouteAndItsParameters) {
  const Router routes = router();
  const Router::Match match = routes.match("GET", "/api/v1/jobs/J1/log");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->pattern, "/api/v1/jobs/{id}/log");
  EXPECT_EQ(match.params, (Fields{{"id", "J1"}}));
}

TEST(Router, GivesALastParameterWithASuffixAllThatIsLeft) {
  Router routes;
  routes.add({"GET", "/badge/{owner}/{repo}/{branch}.svg", never(), 0});
  EXPECT_EQ(routes.match("GET", "/badge/acme/kernels/feature/x.svg").params.at("branch"), "feature/x");
  EXPECT_EQ(routes.match("GET", "/badge/acme/kernels/.svg").route, nullptr);
  EXPECT_EQ(routes.match("GET", "/badge/acme/kernels/main.png").route, nullptr);
}

TEST(Router, ServesHeadWhereItServesGet) {
  const Router routes = router();
  EXPECT_EQ(routes.match("HEAD", "/api/v1/runs").route, routes.match("GET", "/api/v1/runs").route);
  EXPECT_EQ(routes.match("HEAD", "/webhooks/github").route, nullptr);
}

TEST(Router, SaysWhichMethodsAPathHas) {
  const Router routes = router();
  EXPECT_EQ(routes.match("DELETE", "/api/v1/runs").allow, "GET, HEAD");
  EXPECT_EQ(routes.match("GET", "/webhooks/github").allow, "POST");
}

TEST(Router, KnowsNothingElse) {
  const Router routes = router();
  for (const char* path : {"/", "", "/api/v1/runs/", "/api/v1/runs/a/b", "/api/v1", "/api/v1/runsx", "//api/v1/runs"}) {
    const Router::Match match = routes.match("GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_EQ(match.allow, "") << path;
  }
}

}  // namespace
}  // namespace smgate::http
