#include "runner/exec/job_folder.hpp"

#include "runner/exec/remove_tree.hpp"

namespace smgate::exec {
namespace fs = std::filesystem;
namespace {

void make_private(const fs::path& folder) {
  fs::create_directories(folder);
  fs::permissions(folder, fs::perms::owner_all);
}

}  // namespace

JobFolder::JobFolder(fs::path folder) : folder_(std::move(folder)) {
  remove_tree(folder_);
  make_private(folder_);
  make_private(folder_ / "home");
  make_private(folder_ / "tmp");
}

StageFolders JobFolder::stage(const std::string& name) const {
  StageFolders folders{folder_ / "home", folder_ / "tmp", folder_ / "events" / name, folder_ / "caches" / name};
  remove_tree(folders.caches);  // an earlier stage may know its name
  remove_tree(folders.events);
  make_private(folders.events);
  for (const CacheVariable& variable : cache_variables()) make_private(folders.caches / variable.folder);
  return folders;
}

bool JobFolder::remove() const { return remove_tree(folder_); }

}  // namespace smgate::exec
