// What a stage finds in its environment: nothing of the agent's own, so that a job runs alike on every host and sees
// no secret of the agent. Pure; any thread.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "common/gate/stage.hpp"
#include "common/ids.hpp"

namespace smgate::exec {

struct StageFolders {
  std::filesystem::path home;    // the job's own
  std::filesystem::path tmp;     // the job's own
  std::filesystem::path events;  // the stage's own
  std::filesystem::path caches;  // the stage's own, empty: whatever it compiles, it compiles in this stage
};

// Variables that move a cache of compiled kernels (name, sub-folder of `caches`). They come last, so that neither the
// host nor the gate file can warm a run by accident; this list is what the runner's attestation `cold` stands for.
struct CacheVariable {
  std::string_view name;
  std::string_view folder;
};
std::span<const CacheVariable> cache_variables();

// In this order, later ones win: base, `host` (the runner's configuration), the stage's own, SMGATE_*, caches.
std::map<std::string, std::string> stage_environment(const Stage& stage, const StageFolders& folders, const Arch& arch,
                                                     const CommitSha& commit,
                                                     const std::map<std::string, std::string>& host);

}  // namespace smgate::exec
