// Compiled kernels on disk, one file a key, shared by any number of processes. Owned by the run; any thread. Nothing in
// the folder is trusted: an entry names its own key and the digest of its code, and one that does not agree counts as
// absent. A failure to write costs the next run a compile and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smgate::workload {

// Room for some ten thousand kernels of 50 KB.
inline constexpr std::uint64_t kDiskCacheBytesMax = 512ull << 20;

class DiskCache {
 public:
  // Makes the folder. Throws RunFailure where that fails.
  explicit DiskCache(std::string folder, std::uint64_t bytes_max = kDiskCacheBytesMax);

  struct Found {
    std::optional<std::string> code;
    std::string warning;  // why an entry that is there was not taken
  };
  // `key`: lower-case hex. A hit is marked as used now.
  Found find(const std::string& key) const;

  // Written beside, flushed to the disk, renamed into place: a reader sees a whole entry or none, and of two writers
  // the later one wins with equal bytes. Returns why it was not stored; empty: it was.
  std::string store(const std::string& key, std::string_view code) const;

  // Removes entries, those used longest ago first, until the rest fits, and what writers that died left behind.
  void evict() const;

  const std::string& folder() const { return folder_; }

 private:
  std::string path_of(const std::string& key) const { return folder_ + "/" + key + ".kernel"; }

  std::string folder_;
  std::uint64_t bytes_max_;
};

}  // namespace smgate::workload
