// Writing: whole or not at all, and no copy of a model in memory.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runner/workload/files/safetensors.hpp"

namespace smgate::workload {

namespace {

bool write_at(int file, std::span<const std::byte> bytes, std::uint64_t place) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(place));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    place += static_cast<std::uint64_t>(written);
  }
  return true;
}

}  // namespace

SafeTensorsWriter::SafeTensorsWriter(std::string path, const std::vector<TensorInfo>& layout)
    : path_(std::move(path)), partial_(path_ + ".partial-" + std::to_string(::getpid())) {
  const std::string header = safetensors_header(layout);
  data_ = header.size();
  file_ = ::open(partial_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
  if (file_ < 0 || !write_at(file_, std::as_bytes(std::span(header)), 0)) fail();
  // A disk without room shows now, and what follows is written faster; a file system that cannot reserve is no reason.
  const std::uint64_t bytes = data_ + float_count(layout) * sizeof(float);
  if (::fallocate(file_, 0, 0, static_cast<off_t>(bytes)) != 0 && errno == ENOSPC) fail();
}

SafeTensorsWriter::~SafeTensorsWriter() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(partial_.c_str());
}

void SafeTensorsWriter::fail() {
  const std::string reason = std::strerror(errno);
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  ::unlink(partial_.c_str());
  throw RunFailure("cannot write " + path_ + ": " + reason);
}

void SafeTensorsWriter::write(const TensorInfo& tensor, std::size_t first, std::span<const std::byte> bytes) {
  if (!write_at(file_, bytes, data_ + tensor.offset * sizeof(float) + first)) error_ = errno;
}

void SafeTensorsWriter::finish() {
  if (error_ != 0) {
    errno = error_;
    fail();
  }
  const int file = file_;
  file_ = -1;
  if (::close(file) != 0 || std::rename(partial_.c_str(), path_.c_str()) != 0) fail();
}

}  // namespace smgate::workload
