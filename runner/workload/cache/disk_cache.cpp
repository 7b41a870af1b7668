#include "runner/workload/cache/disk_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "runner/workload/base/outcome.hpp"
#include "runner/workload/base/sha256.hpp"

namespace smgate::workload {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "smgate-kernel 1\n";
constexpr std::size_t kDigestDigits = 64;
constexpr std::string_view kPartial = ".partial-";
constexpr std::chrono::hours kAbandoned{1};  // no compile takes so long: its writer is dead

std::string header_of(const std::string& key, std::string_view code) {
  return std::string(kMagic) + key + "\n" + sha256_hex(code) + "\n";
}

// Owns a descriptor.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool write_durably(const std::string& path, std::string_view head, std::string_view code) {
  const File file(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
  return file.get() >= 0 && write_all(file.get(), head) && write_all(file.get(), code) && ::fsync(file.get()) == 0;
}

std::string partial_path(const std::string& path) {
  static std::atomic<unsigned> count{0};  // two threads may store one key
  return path + std::string(kPartial) + std::to_string(::getpid()) + "-" + std::to_string(count++);
}

struct Entry {
  fs::path path;
  fs::file_time_type used;
  std::uint64_t bytes;
};

std::vector<Entry> entries_of(const std::string& folder) {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;  // another process may remove it now
    const Entry entry{it->path(), it->last_write_time(gone), it->file_size(gone)};
    if (!gone) entries.push_back(entry);
  }
  return entries;
}

}  // namespace

DiskCache::DiskCache(std::string folder, std::uint64_t bytes_max) : folder_(std::move(folder)), bytes_max_(bytes_max) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw RunFailure("cannot make the kernel cache's folder " + folder_ + ": " + error.message());
}

DiskCache::Found DiskCache::find(const std::string& key) const {
  std::ifstream file(path_of(key), std::ios::binary);
  if (!file) return {};
  std::ostringstream bytes;
  bytes << file.rdbuf();
  const std::string_view whole = bytes.view();
  const std::size_t head = kMagic.size() + key.size() + 1 + kDigestDigits + 1;
  if (whole.size() < head || whole.substr(0, head) != header_of(key, whole.substr(head))) {
    return {std::nullopt,
            "the entry " + path_of(key) + " is damaged or not of this cache; its kernel is compiled again"};
  }
  ::utimensat(AT_FDCWD, path_of(key).c_str(), nullptr, 0);  // a read-only cache stays in its order
  return {std::string(whole.substr(head)), ""};
}

std::string DiskCache::store(const std::string& key, std::string_view code) const {
  const std::string path = path_of(key);
  const std::string partial = partial_path(path);
  if (write_durably(partial, header_of(key, code), code) && ::rename(partial.c_str(), path.c_str()) == 0) return "";
  const std::string reason = std::strerror(errno);
  ::unlink(partial.c_str());
  return "cannot store a compiled kernel in " + folder_ + ": " + reason;
}

void DiskCache::evict() const {
  std::vector<Entry> entries = entries_of(folder_);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used > b.used; });
  const auto abandoned = fs::file_time_type::clock::now() - kAbandoned;
  std::uint64_t kept = 0;
  std::error_code error;
  for (const Entry& entry : entries) {
    const std::string name = entry.path.filename().string();
    const bool partial = name.find(kPartial) != std::string::npos;
    const bool ours = !partial && entry.path.extension() == ".kernel";
    if (ours) kept += entry.bytes;
    if ((ours && kept > bytes_max_) || (partial && entry.used < abandoned)) fs::remove(entry.path, error);
  }
}

}  // namespace smgate::workload
