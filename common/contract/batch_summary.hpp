// What DS-4 needs of a batch. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/contract/event.hpp"

namespace smgate::contract {

// inputs[i] is the hash of the whole prefix up to position i, labels[i] what is to be predicted there. The entropy is
// H(labels given inputs) in nats, weighted by positions: the least cross-entropy that any model can reach on them.
BatchSummary summarise(const std::vector<std::string>& inputs, const std::vector<std::int64_t>& labels);

}  // namespace smgate::contract
