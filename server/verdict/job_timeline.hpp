// When things happened in a run: pre-warms, payloads, steps, and the compiles between them. Facts keep no times of
// marks, so this listens to the same events as the fold. Pure; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/contract/facts.hpp"

namespace smgate::verdict {

inline constexpr std::size_t kSpansMax = 1000;             // a picture shows no more
inline constexpr std::size_t kLateShownMax = 1000;         // nor more compiles
inline constexpr std::size_t kLateCandidatesMax = 20'000;  // that the facts may turn out to call late

class JobTimeline {
 public:
  void see(const contract::Event& event);  // in the order of time

  // As the API has it: schema Timeline of openapi.yaml. The facts say which compiles were late.
  nlohmann::json to_json(const contract::Facts& facts) const;
  // All pre-warms whose begin and end were marked; none where there is none.
  std::optional<double> prewarm_ms() const;

 private:
  struct Span {
    std::string kind, scope;
    std::uint64_t begin_ns = 0;
    std::optional<std::uint64_t> end_ns;
  };
  struct Candidate {
    contract::ProcessId process;
    bool load = false;
    std::string cache, key;
    std::uint64_t t_ns = 0;
    std::optional<double> ms;
    std::optional<std::uint64_t> bytes;
  };
  using Place = std::pair<std::pair<std::uint64_t, std::uint64_t>, std::pair<std::string, std::string>>;

  void begin(const contract::Event& event, const char* kind, const std::string& scope);
  void end(const contract::Event& event, const char* kind, const std::string& scope);
  void step(const contract::Event& event, const contract::Step& step);
  void add(Candidate candidate);
  static bool is_late(const contract::Facts& facts, const Candidate& candidate);
  double since_begin(std::uint64_t t_ns) const;

  std::optional<std::uint64_t> begin_ns_;
  std::uint64_t end_ns_ = 0;
  std::vector<Span> spans_;
  std::map<Place, std::size_t> open_;    // by process, kind and scope: which span
  std::map<std::uint64_t, std::size_t> steps_;  // by rank: which span
  std::vector<Candidate> candidates_;
};

}  // namespace smgate::verdict
