#include "server/result/record_item.hpp"

#include "common/contract/event.hpp"
#include "common/contract/job_facts.hpp"
#include "server/store/events.hpp"
#include "server/store/logs.hpp"

namespace smgate::result {
namespace {

using store::AttemptEnd;

std::optional<float> narrow(const std::optional<double>& value) {
  return value ? std::optional(static_cast<float>(*value)) : std::nullopt;
}

store::CurvePoint point_of(const contract::Step& step) {
  store::CurvePoint point;
  point.step = static_cast<std::int64_t>(step.step);
  point.loss = step.loss;
  point.ce = narrow(step.ce);
  point.kl = narrow(step.kl);
  point.grad_norm = narrow(step.grad_norm);
  point.ms = narrow(step.ms);
  if (step.tokens) point.tokens = static_cast<std::int64_t>(*step.tokens);
  return point;
}

// Most lines are lookups: only those that can be a step are parsed here.
bool may_be_step(std::string_view line) { return line.find("\"step\"") != std::string_view::npos; }

struct Recorder {
  store::Tx& tx;
  const store::Job& job;
  std::uint64_t seq;
  std::int64_t now_ms;

  AttemptEnd operator()(const protocol::StageBegin& begin) const {
    store::begin_stage(tx, job, begin.stage, now_ms);
    return AttemptEnd::none;
  }
  AttemptEnd operator()(const protocol::StageEnd& end) const {
    store::end_stage(tx, job, end, now_ms);
    return AttemptEnd::none;
  }
  AttemptEnd operator()(const protocol::LogChunk& chunk) const {
    store::append_log(tx, job, chunk, now_ms);
    return AttemptEnd::none;
  }
  AttemptEnd operator()(const protocol::EventChunk& chunk) const {
    const bool stored = store::append_events(tx, job, chunk, seq);
    if (stored && chunk.part == contract::kPartMain)  // the job's curve is that of its own run
      store::append_points(tx, job.id, job.attempt, points_of(chunk.lines));
    return AttemptEnd::none;
  }
  AttemptEnd operator()(const protocol::Finished& finished) const {
    return store::end_attempt(tx, job.id, job.lease, finished, now_ms);
  }
};

}  // namespace

store::AttemptEnd record_item(store::Tx& tx, const store::Job& job, const protocol::Item& item, std::int64_t now_ms) {
  return std::visit(Recorder{tx, job, item.seq, now_ms}, item.body);
}

std::vector<store::CurvePoint> points_of(std::string_view lines) {
  std::vector<store::CurvePoint> points;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    if (!may_be_step(line)) continue;
    const Result<contract::Event> event = contract::parse_event(line);
    if (!event || event->rank != 0) continue;
    if (const auto* step = std::get_if<contract::Step>(&event->body)) points.push_back(point_of(*step));
  }
  return points;
}

}  // namespace smgate::result
