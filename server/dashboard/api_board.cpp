// The board, trends, the queue and the badge.
#include <spdlog/fmt/fmt.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "server/dashboard/api.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/dashboard/svg.hpp"
#include "server/dashboard/views_json.hpp"
#include "server/dashboard/waiting.hpp"
#include "server/store/board.hpp"
#include "server/store/queue.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {
namespace {

using nlohmann::json;

constexpr std::int64_t kPageDefault = 30;

json board_row(const store::BoardRow& row) {
  json run = to_json(row.run);
  for (json& job : run["jobs"]) {
    const auto key = row.guilty_keys.find(JobId{job["id"].get<std::string>()});
    job["guilty_key"] = key == row.guilty_keys.end() ? json() : json(key->second);
  }
  json earlier = json::array();
  for (const store::EarlierRun& one : row.earlier)
    earlier.push_back({{"id", one.id.value},
                       {"commit", one.commit.value},
                       {"state", to_string(one.state)},
                       {"verdict", one.verdict ? json(to_string(*one.verdict)) : json()}});
  return {{"repository", row.run.run.repository},
          {"branch", row.run.run.branch},
          {"run", std::move(run)},
          {"earlier", std::move(earlier)}};
}

std::optional<std::string> cursor_text(const std::optional<RunId>& next) {
  return next ? std::optional(next->value) : std::nullopt;
}

std::string place_text(const store::QueuedJob& job) { return fmt::format("{}-{}", job.queued_ms, job.job.value); }

// ?after=, as a page's "next" has it.
Result<store::QueuePlace> parse_place(const http::Request& request) {
  const std::optional<std::string> text = request.query_value("after");
  if (!text) return store::QueuePlace{};
  store::QueuePlace place;
  const char* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, place.queued_ms);
  if (error == std::errc() && at != end && *at == '-') place.job = JobId{std::string(at + 1, end)};
  if (!is_ulid(place.job.value))
    return Error{fmt::format("query parameter \"after\" is \"{}\"", *text), "", "follow the page's \"next\" as it is"};
  return place;
}

json waiting_job(const store::QueuedJob& job, const Fleet& fleet, std::int64_t now_ms) {
  const Waiting why = why_waiting(job, fleet, now_ms);
  return {
      {"job", job.job.value},
      {"run", job.run.value},
      {"repository", job.repository},
      {"branch", job.branch},
      {"commit", job.commit.value},
      {"arch", job.arch.value},
      {"attempt", job.attempt},
      {"queued_at", to_rfc3339(job.queued_ms)},
      {"reason",
       {{"kind", why.kind}, {"text", why.text}, {"since", why.since_ms ? json(to_rfc3339(*why.since_ms)) : json()}}}};
}

}  // namespace

Api::Answer Api::show_board(http::Request request) {
  if (auto known = only_known(request, {"repository", "before", "limit"}); !known)
    co_return bad_parameter(request, known.error());
  const Result<std::optional<RunId>> before = parse_cursor(request);
  if (!before) co_return bad_parameter(request, before.error());
  const auto limit = integer_parameter(request, "limit", kPageDefault, {1, store::kPageMax});
  if (!limit) co_return bad_parameter(request, limit.error());
  const std::optional<std::string> repository = request.query_value("repository");
  std::string text = co_await store::read(store_, [&](store::ReadTx& tx) {
    const store::BoardPage page = store::read_board(tx, repository, *before, static_cast<std::size_t>(*limit));
    json branches = json::array();
    for (const store::BoardRow& row : page.rows) branches.push_back(board_row(row));
    return to_text({{"branches", std::move(branches)}, {"next", next_page(request, "before", cursor_text(page.next))}});
  });
  co_return json_text(std::move(text));
}

Api::Answer Api::show_trends(http::Request request) {
  if (auto known = only_known(request, {"repository", "branch", "arch", "before", "limit"}); !known)
    co_return bad_parameter(request, known.error());
  const Result<std::optional<RunId>> before = parse_cursor(request);
  if (!before) co_return bad_parameter(request, before.error());
  const auto limit = integer_parameter(request, "limit", kPageDefault, {1, store::kPageMax});
  if (!limit) co_return bad_parameter(request, limit.error());
  const std::optional<std::string> repository = request.query_value("repository");
  const std::optional<std::string> branch = request.query_value("branch");
  if (!repository || !branch)
    co_return bad_parameter(request, {"query parameters \"repository\" and \"branch\" are needed", "", "give both"});
  std::optional<Arch> arch;
  if (const std::optional<std::string> text = request.query_value("arch")) arch = Arch{*text};
  std::string text = co_await store::read(store_, [&](store::ReadTx& tx) {
    const store::TrendPage page =
        store::read_trends(tx, *repository, *branch, arch, *before, static_cast<std::size_t>(*limit));
    json points = json::array();
    for (const store::TrendPoint& point : page.points) points.push_back(to_json(point));
    return to_text({{"points", std::move(points)}, {"next", next_page(request, "before", cursor_text(page.next))}});
  });
  co_return json_text(std::move(text));
}

Api::Answer Api::show_queue(http::Request request) {
  if (auto known = only_known(request, {"run", "after", "limit"}); !known)
    co_return bad_parameter(request, known.error());
  const Result<store::QueuePlace> after = parse_place(request);
  if (!after) co_return bad_parameter(request, after.error());
  const auto limit = integer_parameter(request, "limit", store::kQueuePageMax, {1, store::kQueuePageMax});
  if (!limit) co_return bad_parameter(request, limit.error());
  std::optional<RunId> run;
  if (const std::optional<std::string> text = request.query_value("run")) {
    if (!is_ulid(*text)) co_return bad_parameter(request, {"query parameter \"run\" is no run id", "", "give a ULID"});
    run = RunId{*text};
  }
  const store::QueueView queue = co_await store::read(
      store_, [&](store::ReadTx& tx) { return store::read_queue(tx, run, *after, static_cast<std::size_t>(*limit)); });
  Fleet fleet;
  for (std::size_t i = 0; i < queue.runners.size(); ++i)
    fleet.push_back({queue.runners[i], hints_.online(queue.runners[i].name), queue.held[i]});
  const std::int64_t now_ms = clock_.now_ms();
  json jobs = json::array();
  for (const store::QueuedJob& job : queue.jobs) jobs.push_back(waiting_job(job, fleet, now_ms));
  std::optional<std::string> next;
  if (queue.more) next = place_text(queue.jobs.back());
  co_return http::json_response(
      200, {{"jobs", std::move(jobs)}, {"next", next_page(request, "after", next)}, {"total", queue.total}});
}

Api::Answer Api::show_badge(http::Request request) {
  if (auto known = only_known(request, {}); !known) co_return bad_parameter(request, known.error());
  const std::string repository = request.params.at("owner") + "/" + request.params.at("repo");
  const std::string branch = request.params.at("branch");
  const std::optional<store::RunVerdict> verdict =
      co_await store::read(store_, [&](store::ReadTx& tx) { return store::verdict_of_branch(tx, repository, branch); });
  co_return svg_response(draw_badge(verdict ? std::string(to_string(*verdict)) : "unknown"));
}

}  // namespace smgate::dashboard
