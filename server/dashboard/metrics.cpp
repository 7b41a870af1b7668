#include "server/dashboard/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <vector>

namespace smgate::dashboard {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// A family that is counted anew for each answer.
class Snapshot {
 public:
  Snapshot(std::string name, std::string help, MetricType type) : family_{std::move(name), std::move(help), type, {}} {}

  Snapshot& add(double value, std::vector<ClientMetric::Label> labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    metric.counter.value = value;
    family_.metric.push_back(std::move(metric));
    return *this;
  }
  template <class Key, class Value>
  Snapshot& add_all(const char* label, const std::map<Key, Value>& values) {
    for (const auto& [key, value] : values) add(static_cast<double>(value), {{label, text(key)}});
    return *this;
  }
  MetricFamily take() { return std::move(family_); }

 private:
  static const std::string& text(const std::string& key) { return key; }
  static const std::string& text(const Arch& key) { return key.value; }
  MetricFamily family_;
};

void add_rows(std::vector<MetricFamily>& families, const store::Counts& counts) {
  const auto gauge = MetricType::Gauge;
  families.push_back(Snapshot("smgate_deliveries_pending", "Webhook deliveries stored and not worked off", gauge)
                         .add(static_cast<double>(counts.deliveries_pending))
                         .take());
  families.push_back(
      Snapshot("smgate_runs", "Runs that are not over, by state", gauge).add_all("state", counts.runs_by_state).take());
  Snapshot queued("smgate_jobs_queued", "Jobs that wait for a runner", gauge);
  Snapshot oldest("smgate_jobs_oldest_queued_timestamp_seconds", "Since when the oldest of them waits, Unix time",
                  gauge);
  for (const auto& [arch, waiting] : counts.queued_by_arch) {
    queued.add(static_cast<double>(waiting.count), {{"arch", arch.value}});
    oldest.add(static_cast<double>(waiting.oldest_ms) / 1000.0, {{"arch", arch.value}});
  }
  families.push_back(queued.take());
  families.push_back(oldest.take());
  families.push_back(
      Snapshot("smgate_jobs_leased", "Jobs in a runner's hands", gauge).add_all("arch", counts.leased_by_arch).take());
  families.push_back(Snapshot("smgate_jobs_reported", "Jobs that wait for their verdict", gauge)
                         .add(static_cast<double>(counts.reported))
                         .take());
}

void add_outbox(std::vector<MetricFamily>& families, const store::CallCounts& calls) {
  const auto gauge = MetricType::Gauge;
  families.push_back(Snapshot("smgate_outbox_pending", "Calls to GitHub that wait", gauge)
                         .add(static_cast<double>(calls.pending))
                         .take());
  families.push_back(Snapshot("smgate_outbox_dead", "Calls to GitHub that were given up and are still kept", gauge)
                         .add(static_cast<double>(calls.dead))
                         .take());
  Snapshot oldest("smgate_outbox_oldest_pending_timestamp_seconds", "Since when the oldest of them waits, Unix time",
                  gauge);
  if (calls.oldest_pending_ms) oldest.add(static_cast<double>(*calls.oldest_pending_ms) / 1000.0);
  families.push_back(oldest.take());
}

void add_process(std::vector<MetricFamily>& families, const store::Store::Figures& store, const LiveFigures& live) {
  const auto gauge = MetricType::Gauge;
  const auto counter = MetricType::Counter;
  families.push_back(Snapshot("smgate_store_writes_queued", "Operations that wait for the writer", gauge)
                         .add(static_cast<double>(store.writes_queued))
                         .take());
  families.push_back(Snapshot("smgate_store_commits_total", "COMMITs since the start", counter)
                         .add(static_cast<double>(store.commits))
                         .take());
  families.push_back(Snapshot("smgate_store_writes_total", "Operations that those COMMITs carried", counter)
                         .add(static_cast<double>(store.writes))
                         .take());
  families.push_back(Snapshot("smgate_http_connections", "Connections that are open", gauge)
                         .add(static_cast<double>(live.connections))
                         .take());
  families.push_back(Snapshot("smgate_runners_online", "Runners that are connected", gauge)
                         .add_all("arch", live.runners_online)
                         .take());
  families.push_back(Snapshot("smgate_stage_failures_total", "Steps of a stage that failed since the start", counter)
                         .add_all("stage", live.stage_failures)
                         .take());
}

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests = prometheus::BuildCounter()
                                                          .Name("smgate_http_requests_total")
                                                          .Help("Requests answered since the start")
                                                          .Register(registry);
  prometheus::Family<prometheus::Histogram>& seconds = prometheus::BuildHistogram()
                                                           .Name("smgate_http_request_seconds")
                                                           .Help("From a request's first byte to its answer")
                                                           .Register(registry);
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::observe(const std::string& pattern, unsigned status, std::chrono::milliseconds took) {
  static const prometheus::Histogram::BucketBoundaries kBuckets{0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0};
  const std::string route = pattern.empty() ? "none" : pattern;
  families_->requests.Add({{"route", route}, {"status", std::to_string(status)}}).Increment();
  families_->seconds.Add({{"route", route}}, kBuckets).Observe(static_cast<double>(took.count()) / 1000.0);
}

std::string Metrics::render(const store::Counts& counts, const store::Store::Figures& store, const LiveFigures& live) {
  std::vector<MetricFamily> families = families_->registry.Collect();
  add_rows(families, counts);
  add_outbox(families, counts.calls);
  add_process(families, store, live);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace smgate::dashboard
