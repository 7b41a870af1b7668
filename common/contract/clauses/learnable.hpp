// What DS-3 and DS-4 both ask of the batch. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "common/contract/facts.hpp"

namespace smgate::contract {

// The process whose batches are judged: the training one, else any that reported a batch; may be null.
const Process* batch_process(const Facts& facts);

// Where the initial loss is at or under what the batch's labels allow, in words; empty where it is not, or not known.
// CE is compared with H(labels given inputs); where only the KD loss is known, that with alpha times it, for
// KD = alpha * CE + (1 - alpha) * T^2 * KL and KL >= 0 (Hinton et al. 2015).
std::string why_unsatisfiable(const Facts& facts);

}  // namespace smgate::contract
