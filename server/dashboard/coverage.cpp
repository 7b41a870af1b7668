#include "server/dashboard/coverage.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "server/dashboard/views_json.hpp"
#include "server/store/board.hpp"

namespace smgate::dashboard {
namespace {

using nlohmann::json;
using KeyName = std::pair<std::string, std::string>;  // cache and key

// Where an entry of the stored list has what.
enum Field : std::size_t { kCache, kKey, kState, kNearest, kHits, kMisses, kBytes, kLate };

constexpr std::array<std::string_view, 7> kStates = {"missing", "drifted", "collided", "skipped",
                                                     "unused",  "warmed",  "used"};

std::size_t rank_of(const std::string& state) {
  return static_cast<std::size_t>(std::find(kStates.begin(), kStates.end(), state) - kStates.begin());
}

json cell(const json& entry) {
  return {{"state", entry[kState]},   {"nearest_key", entry[kNearest]}, {"hits", entry[kHits]},
          {"misses", entry[kMisses]}, {"bytes", entry[kBytes]},         {"late_compiles", entry[kLate]}};
}

template <class Visit>
void for_each_entry(const JobKeys& job, const Visit& visit) {
  if (!job.known()) return;
  for (const json& entry : job.coverage["keys"])
    visit(KeyName{entry[kCache].get<std::string>(), entry[kKey].get<std::string>()}, entry);
}

struct Row {
  std::size_t worst = kStates.size();
  std::vector<const json*> entries;  // one a job
};

using StateOf = std::map<KeyName, std::string>;
StateOf states_of(const JobKeys& job) {
  StateOf states;
  for_each_entry(job, [&](KeyName name, const json& entry) { states.emplace(std::move(name), entry[kState]); });
  return states;
}

class Difference {
 public:
  void compare(const std::string& arch, const StateOf& was, const StateOf& is) {
    for (const auto& [name, state] : is) {
      const auto before = was.find(name);
      if (before == was.end() || before->second != state)
        add(arch, name, before == was.end() ? json() : json(before->second), state);
    }
    for (const auto& [name, state] : was)
      if (!is.contains(name)) add(arch, name, state, json());
  }
  json changes = json::array();
  std::size_t left_out = 0;

 private:
  void add(const std::string& arch, const KeyName& name, const json& was, const json& is) {
    if (changes.size() >= kChangesShownMax)
      ++left_out;
    else
      changes.push_back({{"arch", arch}, {"cache", name.first}, {"key", name.second}, {"was", was}, {"is", is}});
  }
};

}  // namespace

std::optional<RunKeys> read_run_keys(store::ReadTx& tx, const RunId& id) {
  const std::optional<store::Run> run = store::find_run(tx, id);
  if (!run) return std::nullopt;
  RunKeys keys{*run, {}};
  for (const store::Job& job : store::jobs_of_run(tx, id)) {
    const std::optional<std::string> coverage = store::find_coverage(tx, job);
    keys.jobs.push_back({job, store::find_job_stats(tx, job), coverage ? json::parse(*coverage) : json()});
  }
  return keys;
}

std::optional<RunId> base_of(store::ReadTx& tx, const store::Run& run, const std::optional<RunId>& named) {
  if (named) return store::find_run(tx, *named) ? named : std::nullopt;
  if (run.policy_sha.empty() || run.policy_sha == run.head_sha) return std::nullopt;
  return store::run_of_commit(tx, run.repository, run.policy_sha, run.id);
}

Matrix make_matrix(const RunKeys& run, const MatrixQuery& query) {
  std::map<KeyName, Row> by_name;
  for (std::size_t column = 0; column < run.jobs.size(); ++column)
    for_each_entry(run.jobs[column], [&](const KeyName& name, const json& entry) {
      Row& row = by_name[name];
      row.entries.resize(run.jobs.size());
      row.entries[column] = &entry;
      row.worst = std::min(row.worst, rank_of(entry[kState]));
    });
  std::vector<std::map<KeyName, Row>::const_iterator> order;
  for (auto it = by_name.cbegin(); it != by_name.cend(); ++it) {
    const bool wanted = !query.state || std::any_of(it->second.entries.begin(), it->second.entries.end(),
                                                    [&](const json* entry) {
                                                      return entry != nullptr && (*entry)[kState] == *query.state;
                                                    });
    if (wanted) order.push_back(it);
  }
  std::stable_sort(order.begin(), order.end(), [](auto a, auto b) { return a->second.worst < b->second.worst; });
  Matrix matrix{json::array(), order.size()};
  for (std::size_t i = query.first; i < order.size() && matrix.rows.size() < query.limit; ++i) {
    json cells = json::array();
    for (const json* entry : order[i]->second.entries) cells.push_back(entry == nullptr ? json() : cell(*entry));
    matrix.rows.push_back(
        {{"cache", order[i]->first.first}, {"key", order[i]->first.second}, {"cells", std::move(cells)}});
  }
  return matrix;
}

json columns_json(const RunKeys& run) {
  json columns = json::array();
  for (const JobKeys& job : run.jobs)
    columns.push_back({{"arch", job.job.arch.value},
                       {"job", job.job.id.value},
                       {"emulated", job.job.emulated},
                       {"known", job.known()},
                       {"counts", counts_json(job.stats ? job.stats->keys : store::KeyCounts{})},
                       {"left_out", job.known() ? job.coverage["left_out"] : json(0)},
                       {"timeline", job.known() ? job.coverage["timeline"] : json()}});
  return columns;
}

json difference_json(const RunKeys& run, const RunKeys& base) {
  Difference difference;
  for (const JobKeys& job : run.jobs)
    for (const JobKeys& before : base.jobs)
      if (before.job.arch == job.job.arch && before.known() && job.known())
        difference.compare(job.job.arch.value, states_of(before), states_of(job));
  return {{"base_run", base.run.id.value},
          {"base_commit", base.run.head_sha.value},
          {"changes", std::move(difference.changes)},
          {"left_out", difference.left_out}};
}

}  // namespace smgate::dashboard
