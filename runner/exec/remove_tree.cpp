#include "runner/exec/remove_tree.hpp"

#include <system_error>

namespace smgate::exec {
namespace fs = std::filesystem;
namespace {

// A folder must be writable to lose its entries. The iterator opens a folder after this has seen it.
void make_writable(const fs::path& folder) {
  std::error_code error;
  fs::permissions(folder, fs::perms::owner_all, fs::perm_options::add, error);
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->symlink_status(ignored).type() == fs::file_type::directory)
      fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
  }
}

}  // namespace

bool remove_tree(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) return true;
  make_writable(folder);
  fs::remove_all(folder, error);
  return !error;
}

}  // namespace smgate::exec
