// Facts as JSON, exactly: facts_from_json(to_json(f)) == f. Stored with a job and compared with other runs' later.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "common/contract/facts.hpp"
#include "common/result.hpp"

namespace smgate::contract {

nlohmann::json to_json(const Facts& facts);
// An error names what is missing or wrong; a document of another version is one.
Result<Facts> facts_from_json(const nlohmann::json& document);

}  // namespace smgate::contract
