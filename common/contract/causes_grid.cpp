// A pre-warm that walks a grid of buckets (batch sizes, sequence lengths) steps over one that run time uses, or leaves
// the top one out. One cause with its boundary, however many keys miss. What counts as a grid: keys alike but for one
// integer, pre-warmed at four or more values in equal steps, or at three or more that with the missing ones go up in
// steps that never shrink and never more than double the value, as bucket lists do (1, 2, 4, 8, 16, 24, 32, ...).
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "common/contract/analysis.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kEqualStepsMin = 4;
constexpr std::size_t kBucketsMin = 3;
constexpr std::size_t kValuesShown = 4;
// A hostile run must not cost the coordinator seconds: beyond these no grid is looked for.
constexpr std::size_t kTokensMax = 64;         // of a key
constexpr std::size_t kGridsMax = 64;          // of a run
constexpr std::size_t kKeysLookedInto = 4096;  // pre-warmed, of the names in question

using Values = std::set<std::uint64_t>;

struct Grid {
  std::string name, role;
  Values warmed, missed;
  std::set<std::string> missed_keys, near_keys;
};
using Grids = std::map<std::string, Grid>;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// What keys of one grid share: cache, name and every token but one.
std::string shared_part(const std::string& cache, const ParsedKey& key, std::size_t free_token) {
  std::string text = cache + '\n' + key.name;
  for (std::size_t i = 0; i < key.tokens.size(); ++i)
    text += i == free_token ? "\n*" : "\n" + key.tokens[i].prefix + key.tokens[i].text;
  return text;
}

// The one token in which a drifted key differs from the nearest pre-warmed one, where it is an integer of both.
std::optional<std::size_t> free_token(const Finding& finding) {
  if (finding.tokens.size() != 1 || finding.tokens[0].kind != TokenKind::integer) return std::nullopt;
  const ParsedKey asked = parse_key(finding.key), near = parse_key(finding.nearest_key);
  if (asked.tokens.size() != near.tokens.size() || asked.tokens.size() > kTokensMax) return std::nullopt;
  for (std::size_t i = 0; i < asked.tokens.size(); ++i)
    if (asked.tokens[i].text != near.tokens[i].text) return i;
  return std::nullopt;
}

bool is_drift_of_key(const Finding& f) { return is_kind(f, "KC-2", "drifted") || is_kind(f, "KC-3", "drifted"); }

Grids missed_buckets(const Analysis& analysis) {
  Grids grids;
  for (const Finding* finding : analysis.unexplained(is_drift_of_key)) {
    const std::optional<std::size_t> index = free_token(*finding);
    if (!index) continue;
    const ParsedKey key = parse_key(finding->key);
    const std::optional<std::uint64_t> value = number(key.tokens[*index].text);
    std::string shared = shared_part(finding->cache, key, *index);
    if (!value || (grids.size() >= kGridsMax && !grids.contains(shared))) continue;
    Grid& grid = grids[std::move(shared)];
    grid.name = key.name;
    grid.role = key.tokens[*index].role;
    grid.missed.insert(*value);
    grid.missed_keys.insert(finding->key);
    grid.near_keys.insert(finding->nearest_key);
  }
  return grids;
}

void add_warmed(const Facts& facts, Grids& grids) {
  std::size_t looked_into = 0;
  std::set<std::string> names;
  for (const auto& [shared, grid] : grids) names.insert(grid.name);
  const auto add = [&](const std::string& cache, const std::string& name) {
    const ParsedKey key = parse_key(name);
    const bool wanted = names.contains(key.name) && key.tokens.size() <= kTokensMax;
    if (!wanted || looked_into++ >= kKeysLookedInto) return;
    for (std::size_t i = 0; i < key.tokens.size(); ++i) {
      if (key.tokens[i].kind != TokenKind::integer) continue;
      const auto grid = grids.find(shared_part(cache, key, i));
      if (grid == grids.end()) continue;
      if (const std::optional<std::uint64_t> value = number(key.tokens[i].text)) grid->second.warmed.insert(*value);
    }
  };
  for (const auto& [id, process] : facts.processes)
    for (const auto& [cache, keys] : process.caches)
      for (const auto& [name, key] : keys)
        if (key.prewarmed()) add(cache, name);
}

bool equal_steps(const Values& values) {
  const std::uint64_t step = *std::next(values.begin()) - *values.begin();
  for (auto a = values.begin(), b = std::next(a); b != values.end(); ++a, ++b)
    if (*b - *a != step) return false;
  return true;
}

bool steps_like_buckets(const Values& values) {
  std::uint64_t last_step = 0;
  for (auto a = values.begin(), b = std::next(a); b != values.end(); ++a, ++b) {
    const std::uint64_t step = *b - *a;
    if (step < last_step || step > *a) return false;
    last_step = step;
  }
  return true;
}

bool is_grid(const Grid& grid) {
  if (grid.warmed.size() < kBucketsMin) return false;
  if (grid.warmed.size() >= kEqualStepsMin && equal_steps(grid.warmed)) return true;
  Values all = grid.warmed;
  all.insert(grid.missed.begin(), grid.missed.end());
  return steps_like_buckets(all);
}

std::string list(const std::vector<std::uint64_t>& values) {
  const std::size_t shown = std::min(values.size(), kValuesShown);
  std::string text =
      fmt::format("{}", fmt::join(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return shown == values.size() ? text : text + fmt::format(" and {} more", values.size() - shown);
}

// Where the missing ones lie: above the top, under the lowest, or between which two.
std::string boundary(const Grid& grid) {
  std::vector<std::uint64_t> above, under, between;
  for (const std::uint64_t value : grid.missed)
    (value > *grid.warmed.rbegin() ? above : value < *grid.warmed.begin() ? under : between).push_back(value);
  std::string text;
  const auto say = [&](const std::string& words) { text += (text.empty() ? "" : "; ") + words; };
  if (!above.empty()) say(fmt::format("{} beyond its top, {}", list(above), *grid.warmed.rbegin()));
  if (!between.empty()) {
    const auto next = grid.warmed.upper_bound(between.front());
    say(fmt::format("{} stepped over, the first between {} and {}", list(between), *std::prev(next), *next));
  }
  if (!under.empty()) say(fmt::format("{} under its lowest, {}", list(under), *grid.warmed.begin()));
  return text;
}

}  // namespace

void find_grid_gap(Analysis& analysis) {
  Grids grids = missed_buckets(analysis);
  add_warmed(analysis.facts, grids);
  std::erase_if(grids, [](const auto& entry) { return !is_grid(entry.second); });
  if (grids.empty()) return;
  std::set<std::string> missed, near;
  for (const auto& [shared, grid] : grids) {
    missed.insert(grid.missed_keys.begin(), grid.missed_keys.end());
    near.insert(grid.near_keys.begin(), grid.near_keys.end());
  }
  const Grid& first = grids.begin()->second;
  std::string text = fmt::format("the pre-warm of `{}` walks a grid of {} at {}; run time asks for {}", first.name,
                                 count_of(first.warmed.size(), "value"), first.role, boundary(first));
  if (grids.size() > 1) text += fmt::format(" (and {} alike)", count_of(grids.size() - 1, "grid"));
  const auto of_grid = [&](const Finding& f) {
    return (is_drift_of_key(f) && missed.contains(f.key)) || (is_kind(f, "KC-6", "waste") && near.contains(f.key));
  };
  std::vector<Finding*> explained = analysis.unexplained(of_grid);
  text += analysis.share_of_missing_keys(missed.size());
  const std::vector<Finding*> cut_short = analysis.taken_by(Stop::at_a_miss);
  explained.insert(explained.end(), cut_short.begin(), cut_short.end());
  analysis.add("warmup_grid_gap", text, explained);
}

}  // namespace smgate::contract
