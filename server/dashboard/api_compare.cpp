// The kernel-cache matrix of a run, and two runs side by side.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/dashboard/api.hpp"
#include "server/dashboard/coverage.hpp"
#include "server/dashboard/diff.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/dashboard/views_json.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {
namespace {

using nlohmann::json;

constexpr std::int64_t kRowsMax = 20'000;  // an answer: 6 MB of JSON
constexpr std::int64_t kRowFirstMax = 10'000'000;
constexpr const char* kStateNames[] = {"missing", "drifted", "collided", "skipped", "unused", "warmed", "used"};
constexpr const char* kNoRun = "there is no run of this id";

Result<std::optional<RunId>> parse_base(const http::Request& request) {
  const std::optional<std::string> text = request.query_value("base");
  if (!text) return std::optional<RunId>{};
  if (!is_ulid(*text)) return Error{"query parameter \"base\" is \"" + *text + "\"", "", "give the id of a run"};
  return std::optional(RunId{*text});
}

json summary_json(const store::RunDetail& detail) {
  store::RunSummary summary{detail.run, {}};
  for (const store::JobDetail& job : detail.jobs) summary.jobs.push_back(job.job);
  return to_json(summary);
}

std::optional<std::string> coverage_text(store::ReadTx& tx, const http::Request& request, const RunId& id,
                                         const std::optional<RunId>& named, const MatrixQuery& query) {
  const std::optional<RunKeys> run = read_run_keys(tx, id);
  if (!run) return std::nullopt;
  Matrix matrix = make_matrix(*run, query);
  const std::size_t end = query.first + matrix.rows.size();
  std::optional<std::string> next;
  if (end < matrix.total) next = std::to_string(end);
  json difference;
  if (const std::optional<RunId> base = base_of(tx, run->run, named))
    if (const std::optional<RunKeys> base_keys = read_run_keys(tx, *base))
      difference = difference_json(*run, *base_keys);
  return to_text({{"run", id.value},
                  {"architectures", columns_json(*run)},
                  {"rows", std::move(matrix.rows)},
                  {"total", matrix.total},
                  {"next", next_page(request, "first", next)},
                  {"difference", std::move(difference)}});
}

std::optional<std::string> diff_text(store::ReadTx& tx, const RunId& id, const std::optional<RunId>& named) {
  const std::optional<store::RunDetail> run = store::read_run(tx, id);
  if (!run) return std::nullopt;
  const std::optional<RunId> base_id = base_of(tx, run->run, named);
  if (!base_id) return std::nullopt;
  const std::optional<store::RunDetail> base = store::read_run(tx, *base_id);
  const std::optional<RunKeys> keys = read_run_keys(tx, id);
  const std::optional<RunKeys> base_keys = read_run_keys(tx, *base_id);
  return to_text({{"run", summary_json(*run)},
                  {"base", summary_json(*base)},
                  {"architectures", compare_jobs(*run, *base)},
                  {"coverage", difference_json(*keys, *base_keys)}});
}

}  // namespace

Api::Answer Api::show_coverage(http::Request request) {
  if (auto known = only_known(request, {"base", "state", "first", "limit"}); !known)
    co_return bad_parameter(request, known.error());
  const RunId id{request.params.at("id")};
  const auto base = parse_base(request);
  if (!base) co_return bad_parameter(request, base.error());
  const auto first = integer_parameter(request, "first", 0, {0, kRowFirstMax});
  const auto limit = integer_parameter(request, "limit", kRowsMax, {1, kRowsMax});
  for (const auto* number : {&first, &limit})
    if (!*number) co_return bad_parameter(request, number->error());
  const MatrixQuery query{request.query_value("state"), static_cast<std::size_t>(*first),
                          static_cast<std::size_t>(*limit)};
  if (query.state && std::find(std::begin(kStateNames), std::end(kStateNames), *query.state) == std::end(kStateNames))
    co_return bad_parameter(request, {"query parameter \"state\" is \"" + *query.state + "\"", "",
                                      "give missing, drifted, collided, skipped, unused, warmed or used"});
  std::optional<std::string> text = co_await store::read(
      store_, [&](store::ReadTx& tx) { return coverage_text(tx, request, id, *base, query); });
  if (!text) co_return not_found(request, kNoRun);
  co_return json_text(std::move(*text));
}

Api::Answer Api::compare_runs(http::Request request) {
  if (auto known = only_known(request, {"base"}); !known) co_return bad_parameter(request, known.error());
  const RunId id{request.params.at("id")};
  const auto base = parse_base(request);
  if (!base) co_return bad_parameter(request, base.error());
  std::optional<std::string> text =
      co_await store::read(store_, [&](store::ReadTx& tx) { return diff_text(tx, id, *base); });
  if (!text) co_return not_found(request, "there is no run of this id, or none to compare it with");
  co_return json_text(std::move(*text));
}

}  // namespace smgate::dashboard
