// Texts that took work and never change (curves of jobs that ended), kept for the next who asks: those longest unused
// go when there are too many bytes. Owned by the Api; any thread.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace smgate::dashboard {

inline constexpr std::size_t kKeptBytesMax = 64U << 20U;  // 40 of the largest curves, or 2,000 of 500 points

struct KeptText {
  std::string text;
  std::string tag;  // its ETag
};

class KeptTexts {
 public:
  explicit KeptTexts(std::size_t bytes_max = kKeptBytesMax) : bytes_max_(bytes_max) {}

  std::shared_ptr<const KeptText> find(const std::string& name);  // null where it is not kept
  void keep(const std::string& name, std::shared_ptr<const KeptText> text);

 private:
  struct Entry {
    std::string name;
    std::shared_ptr<const KeptText> text;
  };

  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;  // the one used last in front
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_name_;
};

}  // namespace smgate::dashboard
