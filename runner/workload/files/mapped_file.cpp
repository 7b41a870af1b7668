#include "runner/workload/files/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace smgate::workload {

Outcome<MappedFile> MappedFile::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Failure{"cannot open " + path + ": " + std::strerror(errno)};
  struct stat status {};
  void* data = nullptr;
  std::size_t bytes = 0;
  bool mapped = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  if (mapped && status.st_size > 0) {
    bytes = static_cast<std::size_t>(status.st_size);
    data = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    mapped = data != MAP_FAILED;
    if (mapped) ::madvise(data, bytes, MADV_SEQUENTIAL);
  }
  const std::string reason = S_ISREG(status.st_mode) ? std::strerror(errno) : "it is no regular file";
  ::close(file);
  if (!mapped) return Failure{"cannot read " + path + ": " + reason};
  return MappedFile(std::string_view(static_cast<const char*>(data), bytes));
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(other.bytes_) { other.bytes_ = {}; }

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace smgate::workload
