#include "runner/exec/environment.hpp"

#include <gtest/gtest.h>

namespace smgate::exec {
namespace {

const StageFolders kFolders{"/job/home", "/job/tmp", "/job/events", "/job/caches"};

std::map<std::string, std::string> environment(const std::map<std::string, std::string>& stage_env,
                                               const std::map<std::string, std::string>& host) {
  const Stage stage{"smoke", {"./smoke"}, 60, stage_env, Feeds::both};
  return stage_environment(stage, kFolders, {"sm_121"}, {std::string(40, 'a')}, host);
}

TEST(StageEnvironment, LetsTheStageWinOverTheHostAndTheHostOverTheBase) {
  const auto variables = environment({{"B", "stage"}}, {{"B", "host"}, {"PATH", "/opt/cuda/bin:/bin"}});
  EXPECT_EQ(variables.at("B"), "stage");
  EXPECT_EQ(variables.at("PATH"), "/opt/cuda/bin:/bin");
  EXPECT_EQ(variables.at("HOME"), "/job/home");
}

TEST(StageEnvironment, TellsTheWorkloadWhatItNeeds) {
  const auto variables = environment({{"SMGATE_ARCH", "sm_89"}}, {});
  EXPECT_EQ(variables.at("SMGATE_ARCH"), "sm_121") << "the runner's word counts";
  EXPECT_EQ(variables.at("SMGATE_EVENTS"), "/job/events");
  EXPECT_EQ(variables.at("SMGATE_STAGE"), "smoke");
  EXPECT_EQ(variables.at("SMGATE_COMMIT"), std::string(40, 'a'));
}

TEST(StageEnvironment, KeepsEveryKernelCachePrivateWhateverAnyoneAsks) {
  const auto variables = environment({{"TRITON_CACHE_DIR", "/warm"}}, {{"CUDA_CACHE_PATH", "/warm"}});
  for (const CacheVariable& cache : cache_variables())
    EXPECT_EQ(variables.at(std::string(cache.name)), "/job/caches/" + std::string(cache.folder));
}

TEST(StageEnvironment, GivesNoTwoCachesOneFolder) {
  std::map<std::string_view, int> folders;
  for (const CacheVariable& cache : cache_variables()) EXPECT_EQ(++folders[cache.folder], 1) << cache.name;
}

}  // namespace
}  // namespace smgate::exec
