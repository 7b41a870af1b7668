// Writing: whole or not at all, and no copy of a model in memory.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runner/workload/base/parallel.hpp"
#include "runner/workload/files/safetensors.hpp"

namespace smgate::workload {

namespace {

constexpr std::size_t kPieceBytes = 8u << 20;  // one thread's copy into the page cache

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

void SafeTensorsWriter::add(const TensorInfo& tensor, std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  const std::uint64_t start = data_ + tensor.offset * sizeof(float);
  std::atomic<int> error{0};
  parallel_for((bytes.size() + kPieceBytes - 1) / kPieceBytes, [&](std::size_t piece) {
    const std::size_t first = piece * kPieceBytes;
    const auto part = bytes.subspan(first, std::min(kPieceBytes, bytes.size() - first));
    if (!write_at(file_, part, start + first)) error = errno;
  });
  if (error == 0) return;
  errno = error;
  fail();
}

void SafeTensorsWriter::finish() {
  const int file = file_;
  file_ = -1;
  if (::close(file) != 0 || std::rename(partial_.c_str(), path_.c_str()) != 0) fail();
}

}  // namespace smgate::workload
