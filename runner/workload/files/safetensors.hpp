// SafeTensors files (huggingface.co/docs/safetensors): eight bytes of little-endian header length, a JSON header, the
// tensors' bytes without holes. The reader trusts nothing in a file. Any thread; a file is written whole or not at all.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runner/workload/base/outcome.hpp"
#include "runner/workload/files/safetensors_header.hpp"
#include "runner/workload/model/weights.hpp"

namespace smgate::workload {

struct SafeTensorsFile {
  std::vector<StoredTensor> tensors;
  std::string data;
};

// A whole file's bytes, which must outlive it.
struct SafeTensorsView {
  std::vector<StoredTensor> tensors;
  std::string_view data;
};

// Of a whole file's bytes.
Outcome<SafeTensorsView> view_safetensors(std::string_view bytes);
Outcome<SafeTensorsFile> parse_safetensors(std::string_view bytes);
Outcome<SafeTensorsFile> read_safetensors(const std::string& path);

// The values of exactly these tensors, in their order; failure where one lacks, is more, or has another shape or dtype.
Outcome<std::vector<float>> values_of(const SafeTensorsFile& file, const std::vector<TensorInfo>& layout);

std::string safetensors_bytes(const std::vector<TensorInfo>& layout, const std::vector<float>& values);
// Writes beside `path`, then renames. Throws RunFailure where that fails.
void write_file(const std::string& path, std::string_view bytes);

// Length and header of a file of fp32 tensors in this layout.
std::string safetensors_header(const std::vector<TensorInfo>& layout);

// Writes a model in any order; the file is there under its name from finish on. Throws RunFailure where the file cannot
// be made, and, in finish, where any part could not be written. Until ready() a thread of its own fills the file.
class SafeTensorsWriter {
 public:
  SafeTensorsWriter(std::string path, const std::vector<TensorInfo>& layout);
  ~SafeTensorsWriter();
  SafeTensorsWriter(const SafeTensorsWriter&) = delete;
  SafeTensorsWriter& operator=(const SafeTensorsWriter&) = delete;

  const std::string& path() const { return path_; }
  // Before the first write.
  void ready();
  // Some of a tensor's bytes, from its `first` on. Any thread, many at once.
  void write(const TensorInfo& tensor, std::size_t first, std::span<const std::byte> bytes);
  void finish();

 private:
  [[noreturn]] void fail();
  void fill(const std::stop_token& stop);
  void unmap();

  std::string path_;
  std::string partial_;
  int file_ = -1;
  std::uint64_t data_ = 0;  // where the values start
  std::uint64_t end_ = 0;
  bool reserved_ = false;        // the disk has the room
  std::span<std::byte> mapped_;  // the whole file; empty where it is written by calls
  std::atomic<int> error_{0};
  std::jthread filler_;  // last: ends before what it writes to
};

}  // namespace smgate::workload
