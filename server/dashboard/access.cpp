// Who may ask, and whether the answer is the one that they have.
#include <algorithm>

#include "server/dashboard/api.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {
namespace {

constexpr std::string_view kBearer = "Bearer ";

http::Problem no_token(const std::string& scope) {
  return {
      401, "no-token", "this needs an API token with the scope " + scope,
      "send \"Authorization: Bearer TOKEN\"; smgate-server token create --api NAME --scope " + scope + " makes one"};
}

// An answer as the asker may keep it: 304 where it is the one that they have.
http::Response with_tag(const http::Request& request, http::Response response) {
  if (response.status != 200 || response.stream || response.upgrade) return response;
  const auto& headers = response.headers;
  const auto given =
      std::find_if(headers.begin(), headers.end(), [](const auto& header) { return header.first == "ETag"; });
  const std::string tag = given == headers.end() ? tag_of(response.body) : given->second;
  if (given == headers.end()) response.headers.emplace_back("ETag", tag);
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  const std::string known = request.header("if-none-match").value_or("");
  if (known != "*" && known.find(tag) == std::string::npos) return response;
  response.status = 304;
  response.body.clear();
  response.content_type.clear();
  return response;
}

}  // namespace

boost::asio::awaitable<Api::Pass> Api::authorize(const http::Request& request, std::string scope) {
  const std::string header = request.header("authorization").value_or("");
  if (header.rfind(kBearer, 0) != 0) co_return Pass{std::nullopt, no_token(scope)};
  const std::string text = header.substr(kBearer.size());
  const auto token =
      co_await store::read(store_, [&text](store::ReadTx& tx) { return store::find_api_token(tx, text); });
  if (!token)
    co_return Pass{std::nullopt,
                   http::Problem{401, "unknown-token", "this API token is not known, or was revoked",
                                 "make a new one: smgate-server token create --api NAME --scope " + scope}};
  if (!token->scopes.contains(scope))
    co_return Pass{std::nullopt,
                   http::Problem{403, "scope-missing", "the token " + token->name + " has not the scope " + scope,
                                 "use a token that has it"}};
  co_return Pass{*token, std::nullopt};
}

Api::Answer Api::guard_read(http::Request request, Read method) {
  if (options_.read_needs_token) co_return co_await guard_always(std::move(request), method);
  http::Response response = co_await (this->*method)(request);
  co_return with_tag(request, std::move(response));
}

Api::Answer Api::guard_always(http::Request request, Read method) {
  const Pass pass = co_await authorize(request, "read");
  if (pass.refused) co_return http::problem_response(*pass.refused, request.path);
  http::Response response = co_await (this->*method)(request);
  co_return with_tag(request, std::move(response));
}

Api::Answer Api::guard_act(http::Request request, std::string scope, Act method) {
  Pass pass = co_await authorize(request, std::move(scope));
  if (pass.refused) co_return http::problem_response(*pass.refused, request.path);
  co_return co_await (this->*method)(std::move(request), std::move(*pass.token));
}

}  // namespace smgate::dashboard
