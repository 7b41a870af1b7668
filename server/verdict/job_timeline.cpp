#include "server/verdict/job_timeline.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

namespace smgate::verdict {
namespace {

using contract::Event;
using nlohmann::json;

double to_ms(std::uint64_t ns) { return std::round(static_cast<double>(ns) / 1000.0) / 1000.0; }

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json finite_or_null(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? json(*value) : json();
}

}  // namespace

void JobTimeline::see(const Event& event) {
  if (!begin_ns_) begin_ns_ = event.t_ns;
  end_ns_ = std::max(end_ns_, event.t_ns);
  const contract::ProcessId process{event.rank, event.pid};
  if (const auto* mark = std::get_if<contract::PrewarmBegin>(&event.body)) begin(event, "prewarm", mark->scope);
  if (const auto* mark = std::get_if<contract::PrewarmEnd>(&event.body)) end(event, "prewarm", mark->scope);
  if (const auto* mark = std::get_if<contract::PayloadBegin>(&event.body)) begin(event, "payload", mark->scope);
  if (const auto* mark = std::get_if<contract::PayloadEnd>(&event.body)) end(event, "payload", mark->scope);
  if (const auto* body = std::get_if<contract::Step>(&event.body)) step(event, *body);
  if (const auto* body = std::get_if<contract::Compile>(&event.body))
    add({process, false, body->cache, body->key, event.t_ns, body->ms, body->bytes});
  if (const auto* body = std::get_if<contract::Load>(&event.body))
    add({process, true, body->cache, body->key, event.t_ns, std::nullopt, body->bytes});
}

void JobTimeline::begin(const Event& event, const char* kind, const std::string& scope) {
  if (spans_.size() >= kSpansMax) return;
  open_[{{event.rank, event.pid}, {kind, scope}}] = spans_.size();
  spans_.push_back({kind, scope, event.t_ns, std::nullopt});
}

// An end without a begin, as logs have it, is a moment.
void JobTimeline::end(const Event& event, const char* kind, const std::string& scope) {
  const Place place{{event.rank, event.pid}, {kind, scope}};
  if (!open_.contains(place)) begin(event, kind, scope);
  const auto open = open_.find(place);
  if (open == open_.end()) return;  // there were too many
  spans_[open->second].end_ns = event.t_ns;
  open_.erase(open);
}

void JobTimeline::step(const Event& event, const contract::Step& step) {
  const auto known = steps_.find(event.rank);
  if (known != steps_.end()) {
    spans_[known->second].end_ns = event.t_ns;
    return;
  }
  if (spans_.size() >= kSpansMax) return;
  // A step is told when it is over.
  const double took_ns = std::max(0.0, step.ms && std::isfinite(*step.ms) ? *step.ms * 1e6 : 0.0);
  const double since_begin_ns = static_cast<double>(event.t_ns - *begin_ns_);
  const std::uint64_t begun = took_ns < since_begin_ns ? event.t_ns - static_cast<std::uint64_t>(took_ns) : *begin_ns_;
  steps_[event.rank] = spans_.size();
  spans_.push_back({"steps", "", begun, event.t_ns});
}

void JobTimeline::add(Candidate candidate) {
  if (candidates_.size() < kLateCandidatesMax) candidates_.push_back(std::move(candidate));
}

bool JobTimeline::is_late(const contract::Facts& facts, const Candidate& candidate) {
  const auto process = facts.processes.find(candidate.process);
  if (process == facts.processes.end()) return false;
  const auto cache = process->second.caches.find(candidate.cache);
  if (cache == process->second.caches.end()) return false;
  const auto key = cache->second.find(candidate.key);
  if (key == cache->second.end()) return false;
  const contract::Work& work = candidate.load ? key->second.loads : key->second.compiles;
  const std::optional<contract::Occurrence>& first = work.first_late_of_all();
  return work.late_total() > 0 && first && candidate.t_ns >= first->t_ns;
}

double JobTimeline::since_begin(std::uint64_t t_ns) const { return to_ms(t_ns - std::min(t_ns, begin_ns_.value_or(0))); }

json JobTimeline::to_json(const contract::Facts& facts) const {
  json spans = json::array();
  for (const Span& span : spans_)
    spans.push_back({{"kind", span.kind},
                     {"scope", span.scope},
                     {"begin_ms", since_begin(span.begin_ns)},
                     {"end_ms", span.end_ns ? json(since_begin(*span.end_ns)) : json()}});
  json late = json::array();
  std::uint64_t left_out = 0;
  for (const Candidate& candidate : candidates_) {
    if (!is_late(facts, candidate)) continue;
    if (late.size() >= kLateShownMax)
      ++left_out;
    else
      late.push_back({{"kind", candidate.load ? "load" : "compile"},
                      {"cache", candidate.cache},
                      {"key", candidate.key},
                      {"at_ms", since_begin(candidate.t_ns)},
                      {"ms", finite_or_null(candidate.ms)},
                      {"bytes", or_null(candidate.bytes)}});
  }
  return {{"end_ms", since_begin(end_ns_)},
          {"spans", std::move(spans)},
          {"late", std::move(late)},
          {"late_left_out", left_out}};
}

std::optional<double> JobTimeline::prewarm_ms() const {
  std::optional<double> sum;
  for (const Span& span : spans_)
    if (span.kind == "prewarm" && span.end_ns && *span.end_ns > span.begin_ns)
      sum = sum.value_or(0) + to_ms(*span.end_ns - span.begin_ns);
  return sum;
}

}  // namespace smgate::verdict
