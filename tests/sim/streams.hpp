// What the virtual runners send for a commit, by what is wrong with it. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/protocol/messages.hpp"
#include "common/random.hpp"
#include "server/store/states.hpp"

namespace smgate::sim {

enum class Behaviour { healthy, broken, build_fails, gate_invalid };

// The one events file of a run: healthy, or with a kernel that was not warmed and compiles late.
const std::string& events_of(Behaviour behaviour, const Arch& arch);

// All items of one attempt, Finished included; the events are cut into chunks at random lines.
std::vector<protocol::ItemBody> items_of(Behaviour behaviour, const Arch& arch, Random& random);

store::RunVerdict verdict_of(Behaviour behaviour);

}  // namespace smgate::sim
