#include "server/dashboard/diff.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "server/dashboard/views_json.hpp"

namespace smgate::dashboard {
namespace {

using nlohmann::json;

json report_of(const store::JobDetail* job) {
  if (job == nullptr || !job->report_json) return json::object();
  json report = json::parse(*job->report_json, nullptr, false);
  return report.is_object() ? report : json::object();
}

const json& part(const json& report, const char* name) {
  static const json none = json::array();
  const auto found = report.find(name);
  return found == report.end() ? none : *found;
}

// What a finding is about, whatever its message says of times and counts.
std::string name_of_finding(const json& finding) {
  std::string name;
  for (const char* field : {"clause", "kind", "cache", "scope", "key"})
    name += finding.value(field, std::string()) + '\n';
  return name;
}
std::string name_of_cause(const json& cause) { return cause["id"]; }

// Those of `list` whose name `other` has not; beyond the limit they are counted.
template <class Name>
json only_in(const json& list, const json& other, Name name, std::size_t& left_out) {
  std::set<std::string> known;
  for (const json& item : other) known.insert(name(item));
  json only = json::array();
  for (const json& item : list) {
    if (known.contains(name(item))) continue;
    if (only.size() < kFindingsShownMax)
      only.push_back(item);
    else
      ++left_out;
  }
  return only;
}

json clauses_that_differ(const json& is, const json& was) {
  std::map<std::string, std::pair<json, json>> outcomes;  // before, now
  for (const json& clause : was) outcomes[clause["id"]].first = clause["outcome"];
  for (const json& clause : is) outcomes[clause["id"]].second = clause["outcome"];
  json differing = json::array();
  for (const auto& [id, outcome] : outcomes)
    if (outcome.first != outcome.second)
      differing.push_back({{"id", id}, {"was", outcome.first}, {"is", outcome.second}});
  return differing;
}

json compare(const std::string& arch, const store::JobDetail* is, const store::JobDetail* was) {
  const json now = report_of(is);
  const json before = report_of(was);
  std::size_t left_out = 0;
  json value = {{"arch", arch},
                {"job", is == nullptr ? json() : json(is->job.id.value)},
                {"base_job", was == nullptr ? json() : json(was->job.id.value)},
                {"stats", is == nullptr ? json() : to_json(is->stats)},
                {"base_stats", was == nullptr ? json() : to_json(was->stats)},
                {"clauses", clauses_that_differ(part(now, "clauses"), part(before, "clauses"))}};
  value["causes_new"] = only_in(part(now, "causes"), part(before, "causes"), name_of_cause, left_out);
  value["causes_gone"] = only_in(part(before, "causes"), part(now, "causes"), name_of_cause, left_out);
  value["findings_new"] = only_in(part(now, "findings"), part(before, "findings"), name_of_finding, left_out);
  value["findings_gone"] = only_in(part(before, "findings"), part(now, "findings"), name_of_finding, left_out);
  value["findings_left_out"] = left_out;
  return value;
}

}  // namespace

json compare_jobs(const store::RunDetail& run, const store::RunDetail& base) {
  std::map<std::string, std::pair<const store::JobDetail*, const store::JobDetail*>> by_arch;
  for (const store::JobDetail& job : run.jobs) by_arch[job.job.arch.value].first = &job;
  for (const store::JobDetail& job : base.jobs) by_arch[job.job.arch.value].second = &job;
  json architectures = json::array();
  for (const auto& [arch, jobs] : by_arch) architectures.push_back(compare(arch, jobs.first, jobs.second));
  return architectures;
}

}  // namespace smgate::dashboard
