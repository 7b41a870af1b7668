// The coordinator's link to the virtual GitHub: the shipped client, sender and recovery, run in steps between which it
// may crash. What it keeps in memory (tokens, limits, a call under way) is lost then.
#pragma once

#include <cstdint>
#include <memory>

#include "common/clock.hpp"
#include "common/random.hpp"
#include "server/store/inline_store.hpp"
#include "tests/sim/github_api.hpp"

namespace smgate::sim {

class Link {
 public:
  Link(Random& random, const Clock& clock, GitHubApi& api);
  ~Link();

  // Begins the call that is due, or sends the one that was begun; false where nothing is to do.
  bool send(store::InlineStore& store);
  // One look for what webhooks did not tell, once a period.
  void recover(store::InlineStore& store);
  void crash();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smgate::sim
