// Brings exactly one commit of a repository into a fresh work tree. A bare mirror of each repository is kept below the
// runner's data folder, so that a job fetches only what is new. The job's thread; the mirror is locked (flock) against
// other processes meanwhile.
//
// The work tree is a repository of its own that borrows the mirror's objects (objects/info/alternates), not a `git
// worktree` of it: what a stage does to its repository (configuration, hooks, refs) stays with the job and never
// reaches the next one. A shallow source cannot be cloned with --shared, so the borrowing is written by hand.
//
// Submodules are not fetched: their addresses come from the commit, that is from whoever wrote it. A stage that needs
// them runs `git submodule update --init` itself, under the stage's own environment.
#pragma once

#include <filesystem>
#include <string>

#include "common/ids.hpp"
#include "common/result.hpp"
#include "runner/exec/cancellation.hpp"
#include "runner/exec/git.hpp"

namespace smgate::exec {

inline constexpr std::size_t kMirrorCommitsMax = 256;  // then the mirror starts anew: a cache needs no collector

struct CheckoutSpec {
  std::string clone_url;
  CommitSha commit;
  std::string ref;  // fetched instead, where the server refuses to serve a commit by its name; may be empty
  std::filesystem::path mirrors;
  std::filesystem::path work_tree;  // must not exist
  std::filesystem::path home;       // scratch
  GitSettings git;
  int lock_fd = -1;  // see ChildSpec
};

// Where the mirror of a repository is kept.
std::filesystem::path mirror_of(const std::filesystem::path& mirrors, const std::string& clone_url);

// The error says what failed, at which address, and what to do. Throws std::system_error where the disk refuses.
Result<void> check_out(const CheckoutSpec& spec, const Cancellation& cancellation);

}  // namespace smgate::exec
