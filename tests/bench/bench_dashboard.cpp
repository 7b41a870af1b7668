// How long the board, a run page and a curve take, in a store of 100 runs and in a full one, beside a bare SQLite read
// of the rows that each answer is made of. The bare read: warm statements of one open connection, page cache warm,
// every column of those rows copied out of SQLite once, nothing unpacked, nothing written as JSON.
//
// It is timed in this process, and behind a socket by a client that waits for as many bytes from a thread which reads
// and sends: the least that another process waits for them. The bound is held against the latter. An answer over HTTP
// cannot keep the former where the read takes 4 us, because a socket alone takes 20; its ratio is printed beside.
//
// "first": the median over others of the same kind, each asked for once, beside the bare read of rows that nobody has
// read before either; "warm": against the bare read of warm ones. Curves of judged jobs are kept as text in the store;
// a "part" of one is made from its points, which is measured, and held against no bound.
//
// Usage: bench_dashboard [RUNS [POINTS]]; prints a table and exits 1 where a bound is broken. The full store of 100,000
// runs and 100 million points is 13 GB, and is deleted at the end.
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include "common/log.hpp"
#include "server/app.hpp"
#include "tests/bench/dashboard_rows.hpp"
#include "tests/bench/plain_client.hpp"
#include "tests/support/scratch.hpp"

namespace {

using namespace smgate;

constexpr double kSlowerThanSmallMax = 1.5;
constexpr double kSlowerThanBareMax = 5;
constexpr int kRounds = 1000;
constexpr std::int64_t kSmallRuns = 100;

double once_us(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

using Work = std::function<void()>;

// Of each its median time, one after the other in every round, each in every place: whatever else the machine does, and
// what the one before left behind, meets all alike.
std::vector<double> medians_us(const std::vector<Work>& works) {
  std::vector<std::vector<double>> times(works.size());
  for (int round = 0; round < kRounds; ++round)
    for (std::size_t i = 0; i < works.size(); ++i) {
      const std::size_t next = (static_cast<std::size_t>(round) + i) % works.size();
      times[next].push_back(once_us(works[next]));
    }
  std::vector<double> medians;
  for (std::vector<double>& some : times) medians.push_back(median(std::move(some)));
  return medians;
}

// An answer of the API, and the reads of the rows that it is made of.
struct Ask {
  std::string target;
  std::function<std::size_t()> read;
};
struct Answer {
  const char* name;
  Ask again;               // the same, time after time
  std::vector<Ask> first;  // of the same kind, which nobody asked for yet
  bool bound = true;
};

class Subject {
 public:
  explicit Subject(const bench::Scale& scale) {
    Config config;
    config.port = 0;
    config.data_folder = scratch_ / "data";
    config.database = scratch_ / "smgate.db";
    config.webhook_secret = "a secret that nobody is told";
    database_ = store::Database::open(config.database, store::Database::Mode::read_write);
    samples_ = bench::fill(*database_, scale);
    app_ = std::make_unique<App>(config, clock_, random_);
    port_ = app_->start();
    thread_ = std::thread([this] { app_->run(); });
  }
  ~Subject() {
    app_->stop();
    thread_.join();
  }
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  std::uint16_t port() const { return port_; }
  std::vector<Answer> answers() {
    std::vector<Ask> boards = {board("")}, runs, curves, parts;
    for (const std::string& cursor : bench::board_cursors(*database_)) boards.push_back(board(cursor));
    for (const bench::Sample& one : samples_) {
      const auto read_run = [this, one] { return bench::read_run(*database_, one); };
      const auto read_curve = [this, one] { return bench::read_curve(*database_, one); };
      runs.push_back({"/api/v1/runs/" + one.run, read_run});
      curves.push_back({"/api/v1/jobs/" + one.job + "/curve", read_curve});
      parts.push_back({curves.back().target + "?first=1", read_curve});  // all but a point: none of it is ready
    }
    return {{"board", boards.front(), after_front(boards)},
            {"run", runs.front(), after_front(runs)},
            {"curve", curves.front(), after_front(curves)},
            {"part", parts.front(), after_front(parts), false}};
  }

 private:
  Ask board(const std::string& before) {
    return {"/api/v1/board" + (before.empty() ? "" : "?before=" + before),
            [this, before] { return bench::read_board(*database_, before.empty() ? "~" : before); }};
  }
  static std::vector<Ask> after_front(const std::vector<Ask>& asks) { return {asks.begin() + 1, asks.end()}; }

  test::Scratch scratch_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<store::Database> database_;
  std::vector<bench::Sample> samples_;
  std::unique_ptr<App> app_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// One row of the table; whether the bounds hold.
bool compare(Subject& small, Subject& large, const Answer& of_small, const Answer& of_large) {
  bench::PlainClient small_client(small.port());
  bench::PlainClient large_client(large.port());
  std::atomic<const std::function<std::size_t()>*> reads = &of_large.again.read;
  bench::BareServer bare([&reads] { return (*reads.load())(); });
  bench::PlainClient bare_client(bare.port());
  small_client.ask("/healthz");  // the connections stand
  large_client.ask("/healthz");
  std::vector<double> firsts, bare_firsts;
  for (const Ask& ask : of_large.first) {
    reads = &ask.read;
    bare_firsts.push_back(once_us([&] { bare_client.ask("/"); }));
    firsts.push_back(once_us([&] { large_client.ask(ask.target); }));
  }
  reads = &of_large.again.read;
  const std::vector<double> us =
      medians_us({[&] { small_client.ask(of_small.again.target); }, [&] { large_client.ask(of_large.again.target); },
                  [&] { bare_client.ask("/"); }, [&] { of_large.again.read(); }});
  const double first = median(std::move(firsts)), bare_first = median(std::move(bare_firsts));
  fmt::print("{:<8}{:>10.0f}{:>10.0f}{:>8.2f}{:>12.0f}{:>8.2f}{:>12.0f}{:>8.2f}{:>10.0f}{:>12.0f}{:>8.2f}{:>8.2f}\n",
             of_large.name, us[0], us[1], us[1] / us[0], us[2], us[1] / us[2], us[3], us[1] / us[3], first, bare_first,
             first / bare_first, first / us[2]);
  return !of_large.bound || (us[1] / us[0] <= kSlowerThanSmallMax && us[1] / us[2] <= kSlowerThanBareMax &&
                             first / bare_first <= kSlowerThanBareMax);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Scale full{100'000, 500, 500};
  if (argc > 1) full.runs = std::max(1L, std::strtol(argv[1], nullptr, 10));
  if (argc > 2) full.points = std::max(1L, std::strtol(argv[2], nullptr, 10));
  set_up_log("bench", "warn");
  Subject small({kSmallRuns, full.points, 50});
  Subject large(full);
  ::sync();  // what filling them left to be written would be written while answers are timed
  bench::PlainClient client(large.port());
  const double nothing_us = medians_us({[&] { client.ask("/healthz"); }}).front();
  fmt::print("({} runs, {} points; an answer that reads nothing takes {:.0f} us)\n", full.runs,
             full.runs * 2 * full.points, nothing_us);
  fmt::print("{:<8}{:>10}{:>10}{:>8}{:>12}{:>8}{:>12}{:>8}{:>10}{:>12}{:>8}{:>8}\n", "us", "100 runs", "full", "ratio",
             "read, sent", "ratio", "read alone", "ratio", "first", "read first", "ratio", "warm");
  bool kept = true;
  const std::vector<Answer> of_small = small.answers();
  const std::vector<Answer> of_large = large.answers();
  for (std::size_t i = 0; i < of_large.size(); ++i) kept = compare(small, large, of_small[i], of_large[i]) && kept;
  return kept ? 0 : 1;
}
