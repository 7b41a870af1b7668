// Deletes a folder with all that is in it, also read-only folders, which some build tools leave. Links are removed, not
// followed. Any thread.
#pragma once

#include <filesystem>

namespace smgate::exec {

// False where something is left (another user's file, a mount); the caller says so and goes on.
bool remove_tree(const std::filesystem::path& folder);

}  // namespace smgate::exec
