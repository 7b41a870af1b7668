// How long the board, a run page and a curve take, in a store of 100 runs and in a full one, beside a bare SQLite read
// of the rows that each answer is made of (warm statements of an open connection, page cache warm, nothing decoded),
// once in this process and once behind a socket: the least that another process waits for the same bytes. The bound is
// held against the latter; the ratio to the former, which no answer over a socket can keep where the read takes 4 us,
// is printed beside it. Usage: bench_dashboard [RUNS [POINTS]]; prints a table and exits 1 where a bound is broken. The
// full store of 100,000 runs and 100 million points is 5 GB, and is deleted at the end.
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
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
constexpr int kRounds = 300;
constexpr std::int64_t kSmallRuns = 100;

double once_us(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

double median_us(const std::function<void()>& work) {
  std::vector<double> times;
  for (int i = 0; i < kRounds; ++i) times.push_back(once_us(work));
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  return times[kRounds / 2];
}

struct Times {
  double first_us = 0;   // asked for the first time
  double answer_us = 0;  // the median of many
  double bare_us = 0;    // in this process
  double sent_us = 0;    // behind a socket
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
    sample_ = bench::fill(*database_, scale);
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

  // What any answer costs, before it reads a row: the connection, the route, the log of figures.
  double empty_us() { return answer("/healthz").answer_us; }

  std::vector<Times> measure() {
    return {
        beside("/api/v1/board", [this] { return bench::read_board(*database_); }),
        beside("/api/v1/runs/" + sample_.run, [this] { return bench::read_run(*database_, sample_); }),
        beside("/api/v1/jobs/" + sample_.job + "/curve", [this] { return bench::read_curve(*database_, sample_); })};
  }

 private:
  Times answer(const std::string& target) {
    bench::PlainClient client(port_);
    Times times;
    client.ask("/healthz");
    times.first_us = once_us([&] { client.ask(target); });
    times.answer_us = median_us([&] { client.ask(target); });
    return times;
  }

  Times beside(const std::string& target, const std::function<std::size_t()>& read) {
    Times times = answer(target);
    times.bare_us = median_us([&] { read(); });
    bench::BareServer server(read);
    bench::PlainClient client(server.port());
    times.sent_us = median_us([&] { client.ask("/"); });
    return times;
  }

  test::Scratch scratch_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<store::Database> database_;
  bench::Sample sample_;
  std::unique_ptr<App> app_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  bench::Scale full{100'000, 500, 500};
  if (argc > 1) full.runs = std::max(1L, std::strtol(argv[1], nullptr, 10));
  if (argc > 2) full.points = std::max(1L, std::strtol(argv[2], nullptr, 10));
  set_up_log("bench", "warn");
  Subject small({kSmallRuns, full.points, 50});
  Subject large(full);
  ::sync();  // what filling them left to be written would be written while answers are timed
  const std::vector<Times> of_small = small.measure();
  const std::vector<Times> of_large = large.measure();
  fmt::print("({} runs, {} points; an answer that reads nothing takes {:.0f} us)\n", full.runs,
             full.runs * 2 * full.points, large.empty_us());
  fmt::print("{:<8}{:>12}{:>12}{:>10}{:>8}{:>12}{:>8}{:>12}{:>8}\n", "us", "100 runs", "full, first", "full", "ratio",
             "read, sent", "ratio", "read alone", "ratio");
  bool kept = true;
  const char* names[] = {"board", "run", "curve"};
  for (std::size_t i = 0; i < of_large.size(); ++i) {
    const Times& times = of_large[i];
    const double to_small = times.answer_us / of_small[i].answer_us;
    const double to_sent = times.answer_us / times.sent_us;
    kept = kept && to_small <= kSlowerThanSmallMax && to_sent <= kSlowerThanBareMax;
    fmt::print("{:<8}{:>12.0f}{:>12.0f}{:>10.0f}{:>8.2f}{:>12.0f}{:>8.2f}{:>12.0f}{:>8.2f}\n", names[i],
               of_small[i].answer_us, times.first_us, times.answer_us, to_small, times.sent_us, to_sent, times.bare_us,
               times.answer_us / times.bare_us);
  }
  return kept ? 0 : 1;
}
