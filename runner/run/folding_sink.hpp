// What a job of `run` tells, judged on the spot: events are folded as they come, logs shown. One thread.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>

#include "common/contract/job_facts.hpp"
#include "runner/exec/item_sink.hpp"

namespace smgate::run {

class FoldingSink final : public exec::ItemSink {
 public:
  // `keep`: the job's folder, to which the runner's own events and the log are added; empty: they are not kept.
  FoldingSink(std::ostream& log, std::filesystem::path keep) : log_(log), keep_(std::move(keep)) {}

  void put(protocol::ItemBody body) override;
  void flush() override;

  const contract::JobFacts& facts() const { return facts_; }
  // The runner's own events, beside the workload's. After the stages: a file there is one of the workload's until then.
  void write_own_events() const;

 private:
  void take(const protocol::StageBegin& begin);
  void take(const protocol::StageEnd& end);
  void take(const protocol::LogChunk& chunk);
  void take(const protocol::EventChunk& chunk);
  void take(const protocol::Finished&) {}

  std::ostream& log_;
  const std::filesystem::path keep_;
  std::string stage_;
  std::map<std::filesystem::path, std::string> own_;  // by path below keep_
  contract::JobFacts facts_;
};

}  // namespace smgate::run
