// A job, and its log, also while it runs.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/dashboard/api.hpp"
#include "server/dashboard/detail_text.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/http/target.hpp"
#include "server/store/logs.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {
namespace {

namespace asio = boost::asio;

constexpr std::int64_t kAttemptMax = 1000;
constexpr const char* kNoJob = "there is no job of this id";

std::string job_with_run(store::ReadTx& tx, const store::Job& job) {
  nlohmann::json more = nlohmann::json::object();
  if (const std::optional<store::Run> run = store::find_run(tx, job.run))
    more = {{"run", run->id.value},
            {"repository", run->repository},
            {"commit", run->head_sha.value},
            {"branch", run->branch}};
  return to_text(store::read_job_detail(tx, job), more) + "\n";
}

// What of a log is asked for: a stage's part or all of it.
struct LogSpan {
  std::optional<store::Job> job;
  int attempt = 0;
  bool stage_known = true;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

LogSpan find_span(store::ReadTx& tx, const JobId& id, int attempt, const std::optional<std::string>& stage) {
  LogSpan span;
  span.job = store::find_job(tx, id);
  if (!span.job) return span;
  span.attempt = attempt == 0 ? span.job->attempt : attempt;
  if (!stage) {
    span.end = store::read_log(tx, *span.job, span.attempt, 0, 0).total;
    return span;
  }
  const std::vector<store::LogPart> parts = store::log_parts(tx, *span.job, span.attempt);
  const auto part = std::find_if(parts.begin(), parts.end(), [&](const auto& other) { return other.stage == *stage; });
  span.stage_known = part != parts.end();
  if (span.stage_known) span.begin = part->begin, span.end = part->end;
  return span;
}

// Hands out one piece of the log after the other, as they are sent.
class LogPieces {
 public:
  LogPieces(store::Store& store, store::Job job, int attempt, std::uint64_t begin, std::uint64_t end)
      : store_(store), job_(std::move(job)), attempt_(attempt), next_(begin), end_(end) {}

  asio::awaitable<std::string> next() {
    const std::uint64_t from = next_;
    const std::uint64_t count = std::min<std::uint64_t>(end_ - next_, store::kLogReadMax);
    store::LogRange range = co_await store::read(
        store_, [this, from, count](store::ReadTx& tx) { return store::read_log(tx, job_, attempt_, from, count); });
    next_ += range.bytes.size();
    co_return std::move(range.bytes);
  }

 private:
  store::Store& store_;
  store::Job job_;
  int attempt_;
  std::uint64_t next_;
  std::uint64_t end_;
};

// Sets the body to bytes first..last of the span, and the headers that say so.
void set_part(http::Response& response, store::Store& store, const LogSpan& span, http::ByteRange range) {
  const auto pieces = std::make_shared<LogPieces>(store, *span.job, span.attempt, span.begin + range.first,
                                                  span.begin + range.last + 1);
  auto stream = std::make_shared<http::BodyStream>();
  stream->length = range.last - range.first + 1;
  stream->next = [pieces] { return pieces->next(); };
  response.stream = std::move(stream);
}

http::Response log_response(const http::Request& request, store::Store& store, const LogSpan& span) {
  const std::uint64_t size = span.end - span.begin;
  const http::RangeRequest wanted = http::parse_range(request.header("range"), size);
  if (wanted.outcome == http::RangeOutcome::unsatisfiable) {
    http::Response response =
        http::problem_response({416, "no-such-range", fmt::format("the log has {} bytes so far", size),
                                "ask for a range that begins before its end; a log that grows has more later"},
                               request.path);
    response.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
    return response;
  }
  http::Response response = http::text_response(200, "");
  response.headers.emplace_back("Accept-Ranges", "bytes");
  response.headers.emplace_back("X-Smgate-Attempt", std::to_string(span.attempt));
  if (wanted.outcome == http::RangeOutcome::satisfiable) {
    response.status = 206;
    response.headers.emplace_back("Content-Range",
                                  fmt::format("bytes {}-{}/{}", wanted.range.first, wanted.range.last, size));
    set_part(response, store, span, wanted.range);
  } else if (size > 0) {
    set_part(response, store, span, {0, size - 1});
  }
  return response;
}

}  // namespace

Api::Answer Api::show_job(http::Request request) {
  if (auto known = only_known(request, {}); !known) co_return bad_parameter(request, known.error());
  const JobId id{request.params.at("id")};
  std::optional<std::string> text = co_await store::read(store_, [&id](store::ReadTx& tx) {
    const std::optional<store::Job> job = store::find_job(tx, id);
    return job ? std::optional(job_with_run(tx, *job)) : std::nullopt;
  });
  if (!text) co_return not_found(request, kNoJob);
  co_return json_text(std::move(*text));
}

Api::Answer Api::show_log(http::Request request) {
  if (auto known = only_known(request, {"attempt", "stage"}); !known) co_return bad_parameter(request, known.error());
  const JobId id{request.params.at("id")};
  if (!is_ulid(id.value)) co_return not_found(request, kNoJob);
  const auto attempt = integer_parameter(request, "attempt", 0, {1, kAttemptMax});
  if (!attempt) co_return bad_parameter(request, attempt.error());
  const std::optional<std::string> stage = request.query_value("stage");
  const LogSpan span = co_await store::read(store_, [&id, &attempt, &stage](store::ReadTx& tx) {
    return find_span(tx, id, static_cast<int>(*attempt), stage);
  });
  if (!span.job) co_return not_found(request, kNoJob);
  if (!span.stage_known) co_return not_found(request, "this attempt has no log of a stage of this name");
  co_return log_response(request, store_, span);
}

}  // namespace smgate::dashboard
