// Scales, faults and controls by name, and what a run declares of itself. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smgate/workload.hpp"

namespace smgate::workload {

// The configuration of a scale; empty where there is none of that name.
std::optional<RunConfig> config_of_scale(std::string_view scale);
std::string known_scales();

// Math modes as the `config` of run_start names them.
std::optional<Math> math_named(std::string_view name);
std::string_view name_of(Math math);
std::vector<std::string_view> math_names();

std::optional<Fault> fault_named(std::string_view name);
std::vector<std::string_view> fault_names();
// Is the fault made in the built-in pre-warm list? A program with a list of its own cannot have it.
bool made_in_prewarm(Fault fault);

// Changes of the configuration itself that a fault brings.
RunConfig with_fault(RunConfig config, Fault fault);

inline constexpr std::uint32_t kControlSteps = 10;  // the fewest that the contract judges

// Changes of the configuration itself that a control brings.
RunConfig with_control(RunConfig config, Control control);

std::optional<Control> control_named(std::string_view name);
std::string_view name_of(Control control);
std::vector<std::string_view> control_names();

// The `config` object of run_start.
std::string config_json(const RunConfig& config);

}  // namespace smgate::workload
