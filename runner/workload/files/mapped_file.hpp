// A file's bytes in memory, read when they are touched. Owned by whoever maps it; any thread. The file must not shrink
// meanwhile.
#pragma once

#include <string>
#include <string_view>

#include "runner/workload/base/outcome.hpp"

namespace smgate::workload {

class MappedFile {
 public:
  // Failure: the system's words.
  static Outcome<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}

  std::string_view bytes_;  // null where the file is empty
};

}  // namespace smgate::workload
