// A token or key in memory. It has no stream operator and no formatter: printing one does not compile. Whoever needs
// the bytes says so by name. Values; any thread.
#pragma once

#include <string>
#include <utility>

namespace smgate {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  const std::string& reveal() const {
    return bytes_;
  }  // for the request that carries it, or the child that is given it
  bool empty() const { return bytes_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string bytes_;
};

}  // namespace smgate
