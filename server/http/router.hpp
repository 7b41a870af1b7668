// The table of routes: method, path pattern, handler. Filled by the composition root before the server starts, read by
// the network thread. A test holds the same table against schemas/openapi.yaml.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/message.hpp"

namespace smgate::http {

// Runs on the network thread: never blocks, awaits the store. What it throws is logged and answered 500, or 503 where
// it is a store::StoreBusy.
using Handler = std::function<boost::asio::awaitable<Response>(Request)>;

struct Route {
  std::string method;   // "GET" also serves HEAD
  std::string pattern;  // "/api/v1/runs/{id}": a {name} takes one segment; a last "{name}.svg" all that is left
  Handler handler;
  std::size_t body_bytes_max = 0;
};

class Router {
 public:
  void add(Route route);  // asserts that method and pattern are new
  void add(std::vector<Route> routes);

  // route is nullptr where nothing serves the path (allow is empty: 404) or not with this method (405, allow says
  // which do).
  struct Match {
    const Route* route = nullptr;
    Fields params;
    std::string allow;
  };
  Match match(std::string_view method, std::string_view path) const;

  const std::vector<Route>& routes() const { return routes_; }

  // Asked where nothing serves the path, before a problem document is sent; it may have nothing to say either.
  using Otherwise = std::function<std::optional<Response>(const Request&)>;
  void set_otherwise(Otherwise otherwise) { otherwise_ = std::move(otherwise); }
  std::optional<Response> answer_otherwise(const Request& request) const {
    return otherwise_ ? otherwise_(request) : std::nullopt;
  }

 private:
  Otherwise otherwise_;
  std::vector<Route> routes_;
};

}  // namespace smgate::http
