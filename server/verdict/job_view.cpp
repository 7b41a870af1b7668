#include "server/verdict/job_view.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "common/contract/clauses/run_keys.hpp"
#include "common/contract/clauses/speed.hpp"
#include "common/contract/coverage.hpp"

namespace smgate::verdict {
namespace {

using contract::Key;
using nlohmann::json;

// The order in which rows are shown: what needs attention first.
constexpr std::array<std::string_view, 7> kStates = {"missing", "drifted", "collided", "skipped",
                                                     "unused",  "warmed",  "used"};

std::size_t rank_of(std::string_view state) {
  return static_cast<std::size_t>(std::find(kStates.begin(), kStates.end(), state) - kStates.begin());
}

struct Row {
  std::size_t state = kStates.size();
  std::string nearest;
  std::uint64_t hits = 0, misses = 0, bytes = 0, late = 0;
  bool warmed = false;
};
using Rows = std::map<std::pair<std::string, std::string>, Row>;  // by cache and key without its architecture

class RowMaker {
 public:
  explicit RowMaker(const contract::Facts& facts) : lookups_reported_(contract::lookups_reported(facts)) {
    for (const auto& [cache_and_name, places] : contract::keys_across(facts))
      for (const contract::KeyInProcess& place : places) add(cache_and_name.first, cache_and_name.second, place);
  }
  Rows& rows() { return rows_; }

 private:
  void add(const std::string& cache, const std::string& name, const contract::KeyInProcess& place) {
    const Key& key = *place.key;
    // A compile is followed by its load: that is one late module, not two.
    const std::uint64_t late = std::max(key.compiles.late_total(), key.loads.late_total());
    const bool asked = key.looked_up() || late > 0;
    if (!asked && !key.prewarmed()) return;
    Row& row = rows_[{cache, contract::without_architecture(name)}];
    row.hits += key.hits;
    row.misses += key.misses;
    row.late += late;
    row.bytes = std::max(row.bytes, key.bytes);
    row.warmed = row.warmed || key.prewarmed();
    std::string nearest;
    const std::size_t state = state_of(cache, name, place, asked, nearest);
    if (state >= row.state) return;
    row.state = state;
    row.nearest = std::move(nearest);
  }

  std::size_t state_of(const std::string& cache, const std::string& name, const contract::KeyInProcess& place,
                       bool asked, std::string& nearest) {
    if (place.key->prewarmed()) return rank_of(asked ? "used" : lookups_reported_ ? "unused" : "warmed");
    const contract::Coverage& coverage = coverage_.try_emplace(place.process, *place.process).first->second;
    contract::Miss miss = coverage.classify(cache, name, *place.key);
    nearest = std::move(miss.nearest_key);
    return rank_of(miss.kind);
  }

  bool lookups_reported_;
  std::map<const contract::Process*, contract::Coverage> coverage_;
  Rows rows_;
};

void count(store::KeyCounts& counts, const Row& row) {
  const std::array<std::uint64_t*, kStates.size()> of_state = {
      &counts.missing, &counts.drifted, &counts.collided, &counts.skipped, &counts.unused, nullptr, &counts.used};
  if (row.state < kStates.size() && of_state[row.state] != nullptr) ++*of_state[row.state];
  if (row.warmed) ++counts.warmed;
  counts.late_compiles += row.late;
}

json key_entry(const std::pair<std::string, std::string>& name, const Row& row) {
  return json::array({name.first, name.second, kStates[row.state], row.nearest.empty() ? json() : json(row.nearest),
                      row.hits, row.misses, row.bytes, row.late});
}

std::string coverage_json(const Rows& rows, const contract::Facts& facts, const JobTimeline& timeline) {
  std::vector<Rows::const_iterator> order;
  for (auto it = rows.begin(); it != rows.end(); ++it)
    if (it->second.state < kStates.size()) order.push_back(it);
  std::stable_sort(order.begin(), order.end(), [](auto a, auto b) { return a->second.state < b->second.state; });
  json keys = json::array();
  const std::size_t shown = std::min(order.size(), kKeysShownMax);
  for (std::size_t i = 0; i < shown; ++i) keys.push_back(key_entry(order[i]->first, order[i]->second));
  return json{{"left_out", order.size() - shown}, {"timeline", timeline.to_json(facts)}, {"keys", std::move(keys)}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::uint64_t unkeyed_bytes(const contract::Facts& facts) {
  std::uint64_t sum = 0;
  for (const auto& [id, process] : facts.processes)
    for (const contract::UnkeyedCompile& compile : process.unkeyed) sum += compile.occurrence.bytes.value_or(0);
  return sum;
}

}  // namespace

std::string guilty_key(const contract::Report& report) {
  if (report.verdict == contract::Verdict::pass || report.causes.empty()) return "";
  const contract::Finding* best = nullptr;
  for (const contract::Finding& finding : report.findings) {
    if (finding.explained_by != report.causes.front().id || finding.key.empty()) continue;
    // A key that others were dropped under is guiltier than those it kept out.
    if (finding.kind == "collided" && !finding.nearest_key.empty()) return finding.nearest_key;
    if (best == nullptr) best = &finding;
  }
  return best == nullptr ? "" : best->key;
}

store::JobView view_of(const contract::Facts& facts, const contract::Report& report, const JobTimeline& timeline) {
  RowMaker maker(facts);
  store::JobView view;
  view.stats.guilty_key = guilty_key(report);
  view.stats.tokens_per_s = contract::tokens_per_s(facts);
  view.stats.prewarm_ms = timeline.prewarm_ms();
  view.stats.cache_bytes = unkeyed_bytes(facts);
  for (const auto& [name, row] : maker.rows()) {
    count(view.stats.keys, row);
    view.stats.cache_bytes += row.bytes;
  }
  view.coverage_json = coverage_json(maker.rows(), facts, timeline);
  return view;
}

}  // namespace smgate::verdict
