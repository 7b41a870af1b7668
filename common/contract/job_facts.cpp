#include "common/contract/job_facts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/contract/facts_json.hpp"
#include "common/contract/policy.hpp"

namespace smgate::contract {
namespace {

bool is_control(std::string_view name) {
  return std::find(kControlNames.begin(), kControlNames.end(), name) != kControlNames.end();
}

}  // namespace

Result<Facts*> part(JobFacts& facts, std::string_view name) {
  if (name == kPartMain) return &facts.main;
  if (name == kPartAgain) return facts.again ? &*facts.again : &facts.again.emplace();
  if (name.starts_with(kPartControl) && is_control(name.substr(kPartControl.size())))
    return &facts.controls[std::string(name.substr(kPartControl.size()))];
  return Error{"\"" + std::string(name) + "\" is no part of a job", "",
               "main, again, or control: and one of lr0, shuffled-labels, no-prewarm, nan"};
}

nlohmann::json to_json(const JobFacts& facts) {
  nlohmann::json document = {{"main", to_json(facts.main)}};
  if (facts.again) document["again"] = to_json(*facts.again);
  for (const auto& [name, control] : facts.controls) document["controls"][name] = to_json(control);
  return document;
}

Result<JobFacts> job_facts_from_json(const nlohmann::json& document) {
  const auto main = document.is_object() ? document.find("main") : document.end();
  if (main == document.end()) return Error{"no facts of a job", "", "fold the job's events again"};
  JobFacts facts;
  const auto load = [&](const std::string& name, const nlohmann::json& from) -> Result<void> {
    const Result<Facts*> to = part(facts, name);
    if (!to) return to.error();
    Result<Facts> loaded = facts_from_json(from);
    if (!loaded) return loaded.error();
    **to = std::move(*loaded);
    return {};
  };
  if (const Result<void> done = load("main", *main); !done) return done.error();
  if (document.contains("again"))
    if (const Result<void> done = load("again", document["again"]); !done) return done.error();
  const nlohmann::json controls = document.value("controls", nlohmann::json::object());
  for (const auto& [name, control] : controls.items())
    if (const Result<void> done = load(std::string(kPartControl) + name, control); !done) return done.error();
  return facts;
}

}  // namespace smgate::contract
