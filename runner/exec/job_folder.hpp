// The folder of one job: work tree, home, temporary files, and for each stage its events and its empty caches. Private
// to the runner's user; removed with the job. The job's thread.
#pragma once

#include <filesystem>
#include <string>

#include "runner/exec/environment.hpp"

namespace smgate::exec {

class JobFolder {
 public:
  // Removes what may be left of an earlier attempt. Throws std::filesystem::filesystem_error.
  explicit JobFolder(std::filesystem::path folder);

  std::filesystem::path work_tree() const { return folder_ / "work"; }
  const std::filesystem::path& path() const { return folder_; }
  // Makes the folders of a stage; its caches are new and empty.
  StageFolders stage(const std::string& name) const;
  // False where something withstood.
  bool remove() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace smgate::exec
