// What /metrics says, in Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats), by
// prometheus-cpp. Rows are counted when asked, so figures survive a restart. Network thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "server/store/store.hpp"
#include "server/store/views.hpp"

namespace smgate::dashboard {

struct LiveFigures {
  std::size_t connections = 0;
  std::map<Arch, std::int64_t> runners_online;
  std::map<std::string, std::uint64_t> stage_failures;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();

  // One answered request. `pattern` of the route, "" where none served.
  void observe(const std::string& pattern, unsigned status, std::chrono::milliseconds took);
  std::string render(const store::Counts& counts, const store::Store::Figures& store, const LiveFigures& live);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace smgate::dashboard
