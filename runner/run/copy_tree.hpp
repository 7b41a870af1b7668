// The second work tree of `run`: what a fresh checkout would hold, with what is not committed yet. Called on the job's
// thread.
#pragma once

#include <filesystem>

#include "common/result.hpp"

namespace smgate::run {

// Copies the files that git tracks or does not ignore, so that nothing built in `from` is taken along, and gives the
// copy a repository of its own that borrows the objects. Where `from` is no work tree of git, all files are copied.
// What lies in `without`, the job's own folder, is left out. All three are canonical.
Result<void> copy_tree(const std::filesystem::path& from, const std::filesystem::path& to,
                       const std::filesystem::path& without);

}  // namespace smgate::run
