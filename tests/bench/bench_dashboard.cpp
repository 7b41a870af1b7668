// How long the board, a run page and a curve take, in a store of 100 runs and in a full one, beside a bare read of the
// same rows through SQLite. Usage: bench_dashboard [RUNS [POINTS]]; prints a table and exits 1 where a bound is broken.
// The full store of 100,000 runs and 100 million points is 5 GB, and is deleted at the end.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include "common/log.hpp"
#include "server/app.hpp"
#include "tests/bench/dashboard_rows.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/scratch.hpp"

namespace {

using namespace smgate;

constexpr double kSlowerThanSmallMax = 1.5;
constexpr double kSlowerThanBareMax = 5;
constexpr int kRounds = 300;
constexpr std::int64_t kSmallRuns = 100;

double median_us(const std::function<void()>& work) {
  std::vector<double> times;
  for (int i = 0; i < kRounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  return times[kRounds / 2];
}

struct Times {
  double answer_us = 0;
  double bare_us = 0;
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
  double empty_us() { return answer("/healthz"); }

  std::vector<Times> measure() {
    return {
        {answer("/api/v1/board"), median_us([&] { bench::read_board(*database_); })},
        {answer("/api/v1/runs/" + sample_.run), median_us([&] { bench::read_run(*database_, sample_); })},
        {answer("/api/v1/jobs/" + sample_.job + "/curve"), median_us([&] { bench::read_curve(*database_, sample_); })}};
  }

 private:
  double answer(const std::string& target) {
    test::RawConnection connection(port_);
    return median_us([&] {
      connection.send("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
      if (connection.answer().status != 200) std::abort();
    });
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
  const std::vector<Times> of_small = small.measure();
  const std::vector<Times> of_large = large.measure();
  fmt::print("{:<10}{:>14}{:>14}{:>10}{:>14}{:>10}   ({} runs, {} points)\n", "answer", "100 runs us", "full us",
             "ratio", "bare read us", "ratio", full.runs, full.runs * 2 * full.points);
  fmt::print("(an answer that reads nothing takes {:.0f} us)\n", large.empty_us());
  bool kept = true;
  const char* names[] = {"board", "run", "curve"};
  for (std::size_t i = 0; i < of_large.size(); ++i) {
    const double to_small = of_large[i].answer_us / of_small[i].answer_us;
    const double to_bare = of_large[i].answer_us / of_large[i].bare_us;
    kept = kept && to_small <= kSlowerThanSmallMax && to_bare <= kSlowerThanBareMax;
    fmt::print("{:<10}{:>14.0f}{:>14.0f}{:>10.2f}{:>14.0f}{:>10.2f}\n", names[i], of_small[i].answer_us,
               of_large[i].answer_us, to_small, of_large[i].bare_us, to_bare);
  }
  return kept ? 0 : 1;
}
