// A recorded case with something changed: what a clause then says of it. For rules whose one condition a test is about.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/contract/fold.hpp"
#include "common/contract/judge.hpp"
#include "common/contract/report.hpp"
#include "tests/contract/cases.hpp"

namespace smgate::contract {

inline constexpr std::uint64_t kOtherPid = 8;  // the cases' own is 7

class Edited {
 public:
  explicit Edited(const std::string& name = "healthy")
      : events_(events_of(text_of(std::string(SMGATE_SOURCE_DIR "/tests/contract/cases/") + name + ".jsonl"))) {}

  template <class Body>
  Edited& drop() {
    std::erase_if(events_, [](const Event& event) { return std::holds_alternative<Body>(event.body); });
    return *this;
  }
  template <class Body>
  Edited& each(const std::function<void(Body&)>& change) {
    for (Event& event : events_)
      if (Body* body = std::get_if<Body>(&event.body)) change(*body);
    return *this;
  }
  // Before the first event of a kind; the end of the run is the last.
  template <class Mark>
  Edited& before(EventBody body, std::uint64_t pid = 7) {
    auto at = events_.begin();
    while (at != events_.end() && !std::holds_alternative<Mark>(at->body)) ++at;
    events_.insert(at, {0, 0, pid, 0, Source::self, std::move(body)});
    return *this;
  }
  Edited& add(EventBody body, std::uint64_t pid = 7) { return before<RunEnd>(std::move(body), pid); }

  Facts facts() const {
    Facts folded;
    std::map<std::uint64_t, std::uint64_t> next;
    std::uint64_t now = 0;
    for (Event event : events_) {
      event.seq = next[event.pid]++;
      event.t_ns = ++now;
      fold(folded, event);
    }
    return folded;
  }
  Report report(const Policy& policy = {}) const { return judge(facts(), policy); }

 private:
  std::vector<Event> events_;
};

// "inconclusive: no batch was reported", "pass: "
inline std::string said(const Report& report, const std::string& id) {
  for (const ClauseResult& clause : report.clauses)
    if (clause.id == id) return std::string(to_string(clause.outcome)) + ": " + clause.reason;
  return "no such clause";
}
inline std::string said(const Edited& run, const std::string& id, const Policy& policy = {}) {
  return said(run.report(policy), id);
}
inline std::optional<Finding> finding_of(const Report& report, const std::string& clause, const std::string& kind) {
  for (const Finding& finding : report.findings)
    if (finding.clause == clause && finding.kind == kind) return finding;
  return std::nullopt;
}

}  // namespace smgate::contract
