// How fast a run is judged, and in how much memory. Prints figures; judges nothing by itself.
//
//   bench_contract events [COUNT]          COUNT (default a million) lines of events: read, parsed, folded, judged
//   bench_contract log [ADAPTER] [BYTES]   a log of BYTES (default 1 GB) through an adapter, folded, judged
#include <sys/resource.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "common/contract/adapters/adapter.hpp"
#include "common/contract/fold.hpp"
#include "common/contract/judge.hpp"

namespace {

using namespace smgate::contract;
// Wall time counts; where other work shares the core, the time of this process says what it would have been alone.
struct Time {
  std::chrono::steady_clock::time_point wall = std::chrono::steady_clock::now();
  std::clock_t cpu = std::clock();
};

// A training run as the reference workload reports it: a pre-warm of 500 kernels, then steps of fifteen lookups each.
class Generator {
 public:
  explicit Generator(std::ostream& out) : out_(out) {}

  void run(std::uint64_t count) {
    put(RunStart{"bench", "1", R"({"steps":1000000,"batch_size":4})", "sm_89", "device", false, true, ""});
    put(PrewarmBegin{"student", "fwd", "prewarm.cpp:1"});
    for (int kernel = 0; kernel < kKernels; ++kernel) {
      put(Offer{"student", "fwd", key(kernel), body(kernel), "prewarm.cpp:20"});
      put(Compile{"fwd", key(kernel), body(kernel), "sm_89", 4096, 12.5, true, "", "cache.cpp:31"});
    }
    put(PrewarmEnd{"student", "fwd", kKernels, "prewarm.cpp:40"});
    for (std::uint64_t step = 0; seq_ + 17 < count; ++step) one_step(step);
    put(RunEnd{"ok", ""});
  }
  std::uint64_t events() const { return seq_; }

 private:
  static constexpr int kKernels = 500;

  static std::string key(int kernel) {
    return "batched_gemm_forward_" + std::to_string(kernel) + "_2048_896_eps3727c5ac";
  }
  static std::string body(int kernel) { return std::string(60, 'a') + std::to_string(1000 + kernel); }
  void one_step(std::uint64_t step) {
    for (std::uint64_t i = 0; i < 15; ++i) {
      const int kernel = static_cast<int>((step * 15 + i) % kKernels);
      put(Lookup{"student", "fwd", key(kernel), body(kernel), true, "model.cpp:77"});
    }
    if (step % 16 == 0) put(Memory{90'000'000'000, 128'000'000'000, true});
    Step event;
    event.step = step;
    event.loss = 7.0 / (1.0 + 1e-5 * static_cast<double>(step));
    event.grad_norm = 1.25;
    event.tokens = 512;
    event.ms = 20.5;
    put(event);
  }
  void put(EventBody body) {
    Event event;
    event.seq = seq_++;
    event.t_ns = 1'000'000'000 + seq_ * 1000;
    event.pid = 4242;
    event.body = std::move(body);
    out_ << to_json_line(event) << '\n';
  }

  std::ostream& out_;
  std::uint64_t seq_ = 0;
};

void print(const char* what, std::uint64_t count, const Time& start, const Facts& facts) {
  const Time end;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const Curve* curve = facts.processes.empty() ? nullptr : &facts.processes.begin()->second.curve;
  std::printf("%s: %" PRIu64 " in %.2f s (%.2f s of CPU), peak RSS %.1f MB, verdict %s", what, count,
              std::chrono::duration<double>(end.wall - start.wall).count(),
              static_cast<double>(end.cpu - start.cpu) / CLOCKS_PER_SEC, static_cast<double>(usage.ru_maxrss) / 1000,
              std::string(to_string(judge(facts, {}).verdict)).c_str());
  if (curve != nullptr && !curve->points.empty())
    std::printf(
        ", %zu steps kept at %zu bytes (%.1f reserved)", curve->points.size(), sizeof(Point),
        static_cast<double>(curve->points.capacity() * sizeof(Point)) / static_cast<double>(curve->points.size()));
  std::printf("\n");
}

int bench_events(std::uint64_t count) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "smgate_bench_events.jsonl";
  {
    std::ofstream out(file, std::ios::binary);
    Generator(out).run(count);
  }
  const Time start;
  Facts facts;
  std::ifstream in(file, std::ios::binary);
  for (std::string line; std::getline(in, line);) {
    const smgate::Result<Event> event = parse_event(line);
    event ? fold(facts, *event) : fold_unreadable(facts, event.error());
  }
  (void)judge(facts, {});
  print("events", facts.events, start, facts);
  std::filesystem::remove(file);
  return facts.unreadable == 0 ? 0 : 1;
}

int bench_log(const std::string& adapter_name, std::uint64_t bytes) {
  std::string chunk;  // what a trainer prints between two steps
  while (chunk.size() < 60'000)
    chunk +=
        "[rank0]:[titan] 2026-06-20 19:13:40,000 - root - INFO - \x1B[31mstep: 1  loss:  8.04910  grad_norm:  1.2345\n"
        "[FWD-CACHE] Compiling 'gemm_1_2' (ptx_len=3143)\n[FWD-CACHE] OK 'gemm_1_2'\n"
        "some library says something that nobody reads, at length, again and again, with a number: 12345\n";
  const Time start;
  Facts facts;
  Adapter adapter({adapter_name, {}, ""}, "log", [&](const Event& event) { fold(facts, event); });
  for (std::uint64_t fed = 0; fed < bytes; fed += chunk.size()) adapter.feed(chunk);
  adapter.finish();
  (void)judge(facts, {});
  print(("log of " + std::to_string(bytes) + " bytes, events").c_str(), facts.events, start, facts);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "events";
  const auto number = [&](int index, std::uint64_t fallback) {
    return argc > index ? std::strtoull(argv[index], nullptr, 10) : fallback;
  };
  if (what == "events") return bench_events(number(2, 1'000'000));
  if (what == "log") return bench_log(argc > 2 ? argv[2] : "aprender", number(3, 1'000'000'000));
  std::fprintf(stderr, "usage: bench_contract events [COUNT] | log [ADAPTER] [BYTES]\n");
  return 2;
}
