// Which adapter reads a log, and its options: what a gate file says under "adapter", what travels to the runner with a
// job, and what `smgate-runner check` makes of its options. Pure values; any thread.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace smgate {
class JsonReader;
}

namespace smgate::contract {

// By kind of event ("step", "compile", ...: patterns.hpp), the regular expressions that find it in a line.
using Patterns = std::map<std::string, std::vector<std::string>>;

struct AdapterSpec {
  std::string name;
  Patterns patterns;     // needed by "regex"; read on top of its own lines by any other
  std::string manifest;  // file in the work tree that declares the run (DS-6); empty: none
  bool operator==(const AdapterSpec&) const = default;
};

// Every mistake, in a pattern too, becomes the reader's, named by its pointer.
AdapterSpec read_adapter_spec(JsonReader& object);

nlohmann::json to_json(const AdapterSpec& spec);
// Reads that form, as text.
Result<AdapterSpec> adapter_spec_from_text(std::string_view text, const std::string& origin);

// The settings of a run that a manifest declares, under the names that run_start's config gives them; values as JSON.
// Fields that name no setting are ignored: manifests hold much else.
std::map<std::string, std::string> declared_by_manifest(const nlohmann::json& manifest);

}  // namespace smgate::contract
