// How fast a run trained. Pure; any thread.
#pragma once

#include <optional>

#include "common/contract/facts.hpp"

namespace smgate::contract {

// Tokens per second of the middle step: one slow step (the first, a hiccup of the host) changes nothing. None where the
// run does not report tokens and times of its steps.
std::optional<double> tokens_per_s(const Facts& facts);

}  // namespace smgate::contract
