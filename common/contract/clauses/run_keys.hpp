// The keys of a run as KC-8 and KC-9 compare them. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "common/contract/facts.hpp"

namespace smgate::contract {

struct SeenKey {
  std::string key;  // as the run wrote it
  EventRef ref;     // where it was first seen
};
// By cache and key.
using SeenKeys = std::map<std::pair<std::string, std::string>, SeenKey>;

// What the run asked its caches for at run time, by the key without its architecture tokens.
SeenKeys run_time_keys(const Facts& facts);

// Every key that the run's caches saw, as it was written.
SeenKeys all_keys(const Facts& facts);

// Whether the run says what it asked for at all: some logs only show what was compiled.
bool lookups_reported(const Facts& facts);

// Why what the run did not report is no proof that it did not happen; empty: nothing.
std::string telemetry_lost(const Facts& facts);

}  // namespace smgate::contract
