// What is known of a job: the facts of its run, and of the runs that the runner makes beside it. Events travel under
// the name of their part: "main", "again", "control:NAME". Stored with the job. Pure values; any thread.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common/contract/facts.hpp"
#include "common/result.hpp"

namespace smgate::contract {

struct JobFacts {
  Facts main;
  std::optional<Facts> again;             // the second, short run of the same commit, from another folder (KC-9)
  std::map<std::string, Facts> controls;  // by name of the control, see policy.hpp (DS-9)
  bool operator==(const JobFacts&) const = default;
};

inline constexpr std::string_view kPartMain = "main";
inline constexpr std::string_view kPartAgain = "again";
inline constexpr std::string_view kPartControl = "control:";  // and the control's name

// Where events of that part are folded, made where it is new. A name that is none of the above is an error. The pointer
// holds until the facts are destroyed.
Result<Facts*> part(JobFacts& facts, std::string_view name);

// Exactly: job_facts_from_json(to_json(f)) == f.
nlohmann::json to_json(const JobFacts& facts);
Result<JobFacts> job_facts_from_json(const nlohmann::json& document);

}  // namespace smgate::contract
