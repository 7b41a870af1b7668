#include "server/http/router.hpp"

#include <algorithm>
#include <cassert>
#include <optional>

namespace smgate::http {
namespace {

std::string_view next_segment(std::string_view& rest) {
  rest.remove_prefix(1);  // the slash
  const std::string_view segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(segment.size());
  return segment;
}

// "{branch}.svg": what stands before the suffix, slashes and all. Only at a pattern's end.
bool take_rest(std::string_view want, std::string_view have, Fields& params) {
  const std::size_t close = want.find('}');
  const std::string_view suffix = want.substr(close + 1);
  if (have.size() <= suffix.size() || !have.ends_with(suffix)) return false;
  params.emplace(want.substr(1, close - 1), have.substr(0, have.size() - suffix.size()));
  return true;
}

std::optional<Fields> match_pattern(std::string_view pattern, std::string_view path) {
  Fields params;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view want = next_segment(pattern);
    const bool rest = want.starts_with('{') && !want.ends_with('}') && want.find('}') != std::string_view::npos;
    if (rest) return take_rest(want, path.substr(1), params) ? std::optional(std::move(params)) : std::nullopt;
    const std::string_view have = next_segment(path);
    const bool parameter = want.size() > 2 && want.front() == '{' && want.back() == '}';
    if (parameter && !have.empty())
      params.emplace(want.substr(1, want.size() - 2), have);
    else if (want != have)
      return std::nullopt;
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return params;
}

}  // namespace

void Router::add(Route route) {
  assert(route.pattern.rfind('/', 0) == 0 && route.handler);
  assert(std::none_of(routes_.begin(), routes_.end(), [&](const Route& other) {
    return other.method == route.method && other.pattern == route.pattern;
  }));
  routes_.push_back(std::move(route));
}

void Router::add(std::vector<Route> routes) {
  for (Route& route : routes) add(std::move(route));
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  Match match;
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  if (path.rfind('/', 0) != 0) return match;
  for (const Route& route : routes_) {
    std::optional<Fields> params = match_pattern(route.pattern, path);
    if (!params) continue;
    if (route.method == wanted) return {&route, std::move(*params), ""};
    match.allow += (match.allow.empty() ? "" : ", ") + route.method + (route.method == "GET" ? ", HEAD" : "");
  }
  return match;
}

}  // namespace smgate::http
