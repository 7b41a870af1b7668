#include "tests/sim/streams.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "common/contract/event.hpp"

namespace smgate::sim {
namespace {

using contract::EventBody;

// Numbers the events of one process.
class Stream {
 public:
  void add(EventBody body) {
    contract::Event event;
    event.seq = seq_++;
    event.t_ns = 1'000'000 * event.seq;
    event.pid = 1;
    event.body = std::move(body);
    text_ += contract::to_json_line(event) + "\n";
  }
  const std::string& text() const { return text_; }

 private:
  std::uint64_t seq_ = 0;
  std::string text_;
};

void add_compile(Stream& stream, const std::string& key, const Arch& arch) {
  contract::Compile compile;
  compile.cache = "kernels";
  compile.key = key;
  compile.body = "body of " + key;
  compile.target = arch.value;
  compile.bytes = 4096;
  compile.ms = 50.5;
  compile.ok = true;
  stream.add(compile);
}

void add_prewarm(Stream& stream, const std::vector<std::string>& keys, const Arch& arch) {
  stream.add(contract::PrewarmBegin{"student", "kernels", "warm.cpp:1"});
  for (const std::string& key : keys) {
    stream.add(contract::Offer{"student", "kernels", key, "body of " + key, "warm.cpp:2"});
    add_compile(stream, key, arch);
  }
  stream.add(contract::PrewarmEnd{"student", "kernels", keys.size(), "warm.cpp:3"});
}

void add_batch(Stream& stream) {
  contract::Batch batch;
  batch.frozen = true;
  batch.digest = "d";
  for (int i = 0; i < 16; ++i) {
    batch.inputs.push_back(fmt::format("{:016x}", i));
    batch.labels.push_back(i % 5);
  }
  stream.add(batch);
}

void add_steps(Stream& stream) {
  for (std::uint64_t i = 0; i < 12; ++i) {
    contract::Step step;
    step.step = i;
    step.loss = 3.0 * std::pow(0.9, static_cast<double>(i));
    step.ce = *step.loss * 1.5;
    step.grad_norm = 0.5;
    step.tokens = 64;
    step.ms = 9.5;
    stream.add(step);
  }
}

void add_checkpoint(Stream& stream) {
  contract::Checkpoint checkpoint;
  checkpoint.path = "student.safetensors";
  checkpoint.claimed_container = checkpoint.container = "safetensors";
  checkpoint.bytes = 1024;
  checkpoint.whole = checkpoint.finite = true;
  checkpoint.tensors = checkpoint.tensors_changed = 26;
  checkpoint.initial_digest = "before";
  checkpoint.final_digest = "after";
  stream.add(checkpoint);
}

void add_events(std::vector<protocol::ItemBody>& items, const std::string& text, Random& random) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t wish = at + 200 + random.below(text.size());
    const std::size_t end = wish >= text.size() ? text.size() : text.find('\n', wish) + 1;
    items.push_back(protocol::EventChunk{"1.jsonl", text.substr(at, end - at)});
    at = end;
  }
}

void add_smoke(std::vector<protocol::ItemBody>& items, const std::string& events, Random& random) {
  items.push_back(protocol::StageBegin{"smoke"});
  add_events(items, events, random);
  items.push_back(protocol::LogChunk{"smoke", "trained\n"});
  items.push_back(protocol::StageEnd{"smoke", protocol::StageOutcome::succeeded, 0, 0, 40});
  items.push_back(protocol::Finished{protocol::JobOutcome::completed, ""});
}

std::string make_events(Behaviour behaviour, const Arch& arch) {
  const std::vector<std::string> keys = {"embedding_forward_96", "rms_norm_forward_96", "silu_forward"};
  Stream stream;
  contract::RunStart begin;
  begin.workload = "simulated";
  begin.config_json = R"({"steps":12})";
  begin.arch = arch.value;
  begin.emulated = begin.cold = true;
  stream.add(begin);
  stream.add(contract::Memory{20'000'000'000, 24'000'000'000, false});
  add_prewarm(stream, keys, arch);
  stream.add(contract::Memory{20'000'000'000, 24'000'000'000, false});
  stream.add(contract::PayloadBegin{"student", 1'000'000, "train.cpp:1"});
  stream.add(contract::PayloadEnd{"student", 1'000'000, "train.cpp:2"});
  add_batch(stream);
  for (const std::string& key : keys)
    stream.add(contract::Lookup{"student", "kernels", key, "body of " + key, true, "train.cpp:3"});
  if (behaviour == Behaviour::broken) {
    stream.add(contract::Lookup{"student", "kernels", "rope_forward", "body of rope_forward", false, "train.cpp:4"});
    add_compile(stream, "rope_forward", arch);
  }
  add_steps(stream);
  add_checkpoint(stream);
  stream.add(contract::RunEnd{"ok", ""});
  return stream.text();
}

}  // namespace

const std::string& events_of(Behaviour behaviour, const Arch& arch) {
  static std::map<std::pair<Behaviour, Arch>, std::string> made;
  std::string& events = made[{behaviour, arch}];
  if (events.empty()) events = make_events(behaviour, arch);
  return events;
}

std::vector<protocol::ItemBody> items_of(Behaviour behaviour, const Arch& arch, Random& random) {
  std::vector<protocol::ItemBody> items = {protocol::StageBegin{"build"}, protocol::LogChunk{"build", "compiling\n"}};
  const bool fails = behaviour == Behaviour::build_fails;
  const auto outcome = fails ? protocol::StageOutcome::failed : protocol::StageOutcome::succeeded;
  items.push_back(protocol::StageEnd{"build", outcome, fails ? 2 : 0, 0, 1500});
  if (!fails)
    add_smoke(items, events_of(behaviour, arch), random);
  else
    items.push_back(protocol::Finished{protocol::JobOutcome::stage_failed, "build exited with 2"});
  return items;
}

store::RunVerdict verdict_of(Behaviour behaviour) {
  if (behaviour == Behaviour::healthy) return store::RunVerdict::pass;
  return behaviour == Behaviour::gate_invalid ? store::RunVerdict::inconclusive : store::RunVerdict::fail;
}

}  // namespace smgate::sim
