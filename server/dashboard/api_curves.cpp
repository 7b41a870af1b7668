// Curves of jobs, also while they run: ranges, down-sampled, several at once, drawn.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "server/curves/curve_reader.hpp"
#include "server/dashboard/api.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/dashboard/svg.hpp"
#include "server/store/job_views.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {
namespace {

using curves::kPointsMax;
using curves::Steps;

constexpr std::int64_t kPointFirstMax = INT64_C(1) << 40;
constexpr std::int64_t kStepMax = INT64_C(1) << 53;  // what a reader in JavaScript can tell apart
constexpr std::int64_t kAttemptMax = 1000;
constexpr std::int64_t kPointsMin = 3;
constexpr std::size_t kCurvesMax = 16;       // that anybody can tell apart
constexpr std::uint64_t kDrawnPoints = 640;  // a pixel each
constexpr const char* kNoJob = "there is no job of this id";

std::vector<JobId> split_ids(std::string_view text) {
  std::vector<JobId> ids;
  while (!text.empty()) {
    const std::string_view id = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), id.size() + 1));
    ids.push_back(JobId{std::string(id)});
  }
  return ids;
}

struct CurveQuery {
  int attempt = 0;          // 0: the newest
  std::uint64_t first = 0;  // and limit: a range
  std::size_t limit = 0;
  std::uint64_t points = 0;  // unless 0: down-sampled, and instead of the range
  Steps steps;               // of what is down-sampled
};

// What was made ready with the verdict, where that is what is asked for.
std::optional<std::string> ready_text(store::ReadTx& tx, const store::Job& job, const CurveQuery& query) {
  const bool newest = query.attempt == 0 || query.attempt == job.attempt;
  if (!newest || query.first > 0 || query.steps != Steps{}) return std::nullopt;
  const std::optional<store::ReadyCurve> ready = store::find_ready_curve(tx, job);
  if (!ready) return std::nullopt;
  const bool whole = ready->total <= store::kReadyPoints;  // none was left out
  const std::uint64_t wanted = query.points > 0 ? query.points : query.limit;
  if (query.points != store::kReadyPoints && !(whole && wanted >= ready->total)) return std::nullopt;
  return curves::to_text({job, job.attempt, 0, ready->total, ready->total, {}}, ready->points_json);
}

std::string make_text(store::ReadTx& tx, const store::Job& job, const CurveQuery& query) {
  if (auto ready = ready_text(tx, job, query)) return std::move(*ready);
  if (query.points > 0) return curves::to_text(curves::read_sampled(tx, job, query.attempt, query.points, query.steps));
  return curves::to_text(curves::read_range(tx, job, query.attempt, query.first, query.limit));
}

// What a job that ended has of points stays as it is; a re-run of it has another attempt and another end.
std::shared_ptr<const KeptText> curve_text(store::ReadTx& tx, KeptTexts& kept, const store::Job& job,
                                           const CurveQuery& query) {
  const bool over = job.state == store::JobState::done;
  const std::string name =
      fmt::format("{} {}/{} {} {} {} {} {} {}", job.id.value, query.attempt, job.attempt, job.ended_ms.value_or(0),
                  query.first, query.limit, query.points, query.steps.from, query.steps.to);
  if (over)
    if (auto text = kept.find(name)) return text;
  auto made = std::make_shared<KeptText>(KeptText{make_text(tx, job, query) + "\n", ""});
  made->tag = tag_of(made->text);
  if (over) kept.keep(name, made);
  return made;
}

// Absent where one of the jobs does not exist.
std::optional<std::string> curves_text(store::ReadTx& tx, KeptTexts& kept, const std::vector<JobId>& ids,
                                       const CurveQuery& query) {
  std::string text = R"({"curves":[)";
  for (const JobId& id : ids) {
    const std::optional<store::Job> job = store::find_job(tx, id);
    if (!job) return std::nullopt;
    text += (text.back() == '[' ? "" : ",") + curve_text(tx, kept, *job, query)->text;
  }
  return text + "]}\n";
}

// ?from=&to=
Result<Steps> parse_steps(const http::Request& request) {
  const Steps all;
  const auto from = integer_parameter(request, "from", all.from, {0, kStepMax});
  const auto to = integer_parameter(request, "to", all.to, {0, kStepMax});
  if (!from) return from.error();
  if (!to) return to.error();
  if (*from > *to)
    return Error{"query parameter \"from\" lies behind \"to\"", "", "give the first step and the last one"};
  return Steps{*from, *to};
}

}  // namespace

Api::Answer Api::show_curve(http::Request request) {
  if (auto known = only_known(request, {"attempt", "first", "limit", "points", "from", "to"}); !known)
    co_return bad_parameter(request, known.error());
  const JobId id{request.params.at("id")};
  const auto attempt = integer_parameter(request, "attempt", 0, {1, kAttemptMax});
  const auto first = integer_parameter(request, "first", 0, {0, kPointFirstMax});
  const auto limit = integer_parameter(request, "limit", kPointsMax, {1, kPointsMax});
  const auto points = integer_parameter(request, "points", 0, {kPointsMin, kPointsMax});
  for (const auto* number : {&attempt, &first, &limit, &points})
    if (!*number) co_return bad_parameter(request, number->error());
  const Result<Steps> steps = parse_steps(request);
  if (!steps) co_return bad_parameter(request, steps.error());
  if (*points == 0 && *steps != Steps{})
    co_return bad_parameter(request, {"query parameters \"from\" and \"to\" choose what is down-sampled", "",
                                      "give \"points\" with them, or \"first\" and \"limit\""});
  const CurveQuery query{static_cast<int>(*attempt), static_cast<std::uint64_t>(*first),
                         static_cast<std::size_t>(*limit), static_cast<std::uint64_t>(*points), *steps};
  const auto text = co_await store::read(store_, [&](store::ReadTx& tx) -> std::shared_ptr<const KeptText> {
    const std::optional<store::Job> job = store::find_job(tx, id);
    return job ? curve_text(tx, curves_, *job, query) : nullptr;
  });
  if (!text) co_return not_found(request, kNoJob);
  http::Response response = json_text(text->text);
  response.headers.emplace_back("ETag", text->tag);
  co_return response;
}

Api::Answer Api::show_curves(http::Request request) {
  if (auto known = only_known(request, {"jobs", "points", "from", "to"}); !known)
    co_return bad_parameter(request, known.error());
  const std::vector<JobId> ids = split_ids(request.query_value("jobs").value_or(""));
  if (ids.empty() || ids.size() > kCurvesMax)
    co_return bad_parameter(request, {"query parameter \"jobs\" names none, or too many", "",
                                      "give 1 to 16 ids of jobs with commas between them"});
  const auto points = integer_parameter(request, "points", store::kReadyPoints, {kPointsMin, kPointsMax});
  if (!points) co_return bad_parameter(request, points.error());
  const Result<Steps> steps = parse_steps(request);
  if (!steps) co_return bad_parameter(request, steps.error());
  const CurveQuery query{0, 0, 0, static_cast<std::uint64_t>(*points), *steps};
  std::optional<std::string> text =
      co_await store::read(store_, [&](store::ReadTx& tx) { return curves_text(tx, curves_, ids, query); });
  if (!text) co_return not_found(request, "one of these jobs does not exist");
  co_return json_text(std::move(*text));
}

Api::Answer Api::draw_curve(http::Request request) {
  if (auto known = only_known(request, {"attempt"}); !known) co_return bad_parameter(request, known.error());
  const JobId id{request.params.at("id")};
  const auto attempt = integer_parameter(request, "attempt", 0, {1, kAttemptMax});
  if (!attempt) co_return bad_parameter(request, attempt.error());
  std::optional<std::string> svg = co_await store::read(store_, [&](store::ReadTx& tx) -> std::optional<std::string> {
    const std::optional<store::Job> job = store::find_job(tx, id);
    if (!job) return std::nullopt;
    return draw_curve_chart(curves::read_sampled(tx, *job, static_cast<int>(*attempt), kDrawnPoints));
  });
  if (!svg) co_return not_found(request, kNoJob);
  co_return svg_response(std::move(*svg));
}

}  // namespace smgate::dashboard
