// Runs.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "server/dashboard/api.hpp"
#include "server/dashboard/detail_text.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/dashboard/views_json.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {
namespace {

constexpr std::int64_t kPageDefault = 30;

}  // namespace

Api::Answer Api::list_runs(http::Request request) {
  if (auto known = only_known(request, {"repository", "branch", "commit", "verdict", "before", "limit"}); !known)
    co_return bad_parameter(request, known.error());
  const Result<store::RunFilter> filter = parse_filter(request);
  if (!filter) co_return bad_parameter(request, filter.error());
  const Result<std::optional<RunId>> before = parse_cursor(request);
  if (!before) co_return bad_parameter(request, before.error());
  const auto limit = integer_parameter(request, "limit", kPageDefault, {1, store::kPageMax});
  if (!limit) co_return bad_parameter(request, limit.error());

  const store::RunPage page = co_await store::read(store_, [&filter, &before, &limit](store::ReadTx& tx) {
    return store::list_runs(tx, *filter, *before, static_cast<std::size_t>(*limit));
  });
  nlohmann::json runs = nlohmann::json::array();
  for (const store::RunSummary& run : page.runs) runs.push_back(to_json(run));
  std::optional<std::string> next;
  if (page.next) next = page.next->value;
  co_return http::json_response(200, {{"runs", std::move(runs)}, {"next", next_page(request, "before", next)}});
}

Api::Answer Api::show_run(http::Request request) {
  if (auto known = only_known(request, {}); !known) co_return bad_parameter(request, known.error());
  const RunId id{request.params.at("id")};
  if (!is_ulid(id.value)) co_return not_found(request, "this is no run id: a run id is a ULID of 26 characters");
  std::optional<std::string> text = co_await store::read(store_, [&id](store::ReadTx& tx) {
    const std::optional<store::RunDetail> run = store::read_run(tx, id);
    return run ? std::optional(to_text(*run)) : std::nullopt;
  });
  if (!text) co_return not_found(request, "there is no run of this id");
  co_return json_text(std::move(*text));
}

}  // namespace smgate::dashboard
