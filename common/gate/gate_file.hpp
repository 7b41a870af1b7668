// The gate file, .smgate.json: what a repository asks of its gate. Read by the coordinator at base and head of a run,
// and by `smgate-runner run`. Described by schemas/gate_file.schema.json. Pure values; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/contract/adapters/spec.hpp"
#include "common/contract/policy.hpp"
#include "common/gate/stage.hpp"
#include "common/ids.hpp"
#include "common/result.hpp"

namespace smgate {

inline constexpr std::string_view kGateFileName = ".smgate.json";
inline constexpr std::size_t kGateFileBytesMax = 256U << 10U;  // written by hand: two hundred exceptions are 40 KB

struct GateFile {
  std::vector<Arch> architectures;               // required, in the file's order, no two alike
  std::vector<Stage> stages;                     // run in this order
  std::optional<contract::AdapterSpec> adapter;  // turns the log of the stages that feed a contract into events
  contract::Policy policy;  // with exceptions, declared differences, and the runs beside the job's own
};

// Comments are allowed. Every mistake is named by its JSON pointer; `origin` (say ".smgate.json at base 1a2b3c4")
// becomes the error's `where`.
Result<GateFile> parse_gate_file(std::string_view text, const std::string& origin);

// What a run goes by: required architectures, policy, stability and controls from the base, so that a change cannot
// weaken the gate it must pass; stages and adapter from the head, since they build and read the head's own code.
struct GatePlan {
  GateFile gate;
  bool bootstrap = false;  // there was no gate file at the base: the head's own policy counts
};
GatePlan combine(const std::optional<GateFile>& base, const GateFile& head);

}  // namespace smgate
