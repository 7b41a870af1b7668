// Live events: see feeds.hpp.
#include <charconv>
#include <memory>
#include <utility>

#include "server/dashboard/api.hpp"
#include "server/dashboard/feeds.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {
namespace {

http::Response too_many(const http::Request& request) {
  return http::problem_response({503, "too-many-streams", "as many live streams are open as may be",
                                 "ask for the state itself now and then, or try again later"},
                                request.path);
}

http::Response stream_response(std::shared_ptr<Feed> feed) {
  auto stream = std::make_shared<http::BodyStream>();
  stream->endless = true;
  stream->next = [feed = std::move(feed)] { return feed->next(); };
  http::Response response;
  response.content_type = "text/event-stream";
  response.headers.emplace_back("X-Accel-Buffering", "no");  // a proxy that gathers pieces would hold them back
  response.stream = std::move(stream);
  return response;
}

Result<std::optional<std::int64_t>> parse_number(const std::optional<std::string>& text) {
  if (!text) return std::optional<std::int64_t>{};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number < 0)
    return Error{"Last-Event-ID is \"" + *text + "\"", "", "send the id of the last event, or none"};
  return std::optional(number);
}

}  // namespace

Api::Answer Api::stream_events(http::Request request) {
  if (auto known = only_known(request, {}); !known) co_return bad_parameter(request, known.error());
  const auto after = parse_number(request.header("last-event-id"));
  if (!after) co_return bad_parameter(request, after.error());
  if (streams_open_ >= options_.streams_max) co_return too_many(request);
  co_return stream_response(std::make_shared<ChangeFeed>(store_, streams_open_, hints_.ready, *after));
}

Api::Answer Api::stream_job(http::Request request) {
  if (auto known = only_known(request, {}); !known) co_return bad_parameter(request, known.error());
  const JobId id{request.params.at("id")};
  const std::optional<std::string> last = request.header("last-event-id");
  Result<JobPlace> place = last ? parse_place(*last) : Result<JobPlace>(JobPlace{});
  if (!place) co_return bad_parameter(request, place.error());
  const auto job = co_await store::read(store_, [&id](store::ReadTx& tx) { return store::find_job(tx, id); });
  if (!job) co_return not_found(request, "there is no job of this id");
  if (streams_open_ >= options_.streams_max) co_return too_many(request);
  co_return stream_response(std::make_shared<JobFeed>(store_, streams_open_, hints_.ready, id, std::move(*place)));
}

}  // namespace smgate::dashboard
