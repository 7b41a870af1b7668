// Writing: whole or not at all, and no copy of a model in memory.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runner/workload/files/safetensors.hpp"

namespace smgate::workload {

namespace {

constexpr std::size_t kFillBytes = std::size_t{4} << 20;

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
  file_ = ::open(partial_.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0666);
  if (file_ < 0 || !write_at(file_, std::as_bytes(std::span(header)), 0)) fail();
  // A disk without room shows now, and what follows is written faster; a file system that cannot reserve is no reason.
  end_ = data_ + float_count(layout) * sizeof(float);
  reserved_ = ::fallocate(file_, 0, 0, static_cast<off_t>(end_)) == 0;
  if (!reserved_ && errno == ENOSPC) fail();
  filler_ = std::jthread([this](const std::stop_token& stop) { fill(stop); });
}

// A new file's pages cost more than what is copied into them: they are made while nothing waits for them.
void SafeTensorsWriter::fill(const std::stop_token& stop) {
  const std::vector<std::byte> zeros(std::min<std::uint64_t>(kFillBytes, end_ - data_));
  for (std::uint64_t place = data_; place < end_ && !stop.stop_requested(); place += zeros.size()) {
    const std::size_t count = std::min<std::uint64_t>(zeros.size(), end_ - place);
    if (write_at(file_, std::span(zeros).first(count), place)) continue;
    error_ = errno;
    return;
  }
}

// Calls that write one file wait for each other; copies into it as memory do not. But a disk that turns out to be full
// ends a program that writes to memory, so there it must have the room already.
void SafeTensorsWriter::ready() {
  filler_.request_stop();
  filler_.join();
  if (!reserved_) return;
  void* at = ::mmap(nullptr, end_, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  if (at != MAP_FAILED) mapped_ = {static_cast<std::byte*>(at), static_cast<std::size_t>(end_)};
}

void SafeTensorsWriter::unmap() {
  if (!mapped_.empty()) ::munmap(mapped_.data(), mapped_.size());
  mapped_ = {};
}

SafeTensorsWriter::~SafeTensorsWriter() {
  if (file_ < 0) return;
  filler_ = {};
  unmap();
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
  const std::uint64_t place = data_ + tensor.offset * sizeof(float) + first;
  if (!mapped_.empty()) {
    std::memcpy(mapped_.data() + place, bytes.data(), bytes.size());
  } else if (!write_at(file_, bytes, place)) {
    error_ = errno;
  }
}

void SafeTensorsWriter::finish() {
  unmap();
  if (error_ != 0) {
    errno = error_;
    fail();
  }
  const int file = file_;
  file_ = -1;
  if (::close(file) != 0 || std::rename(partial_.c_str(), path_.c_str()) != 0) fail();
}

}  // namespace smgate::workload
