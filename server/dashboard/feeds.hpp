// What live streams send, piece by piece: server-sent events whose ids are places in the rows, so that a reader goes on
// where it was, also after a restart of the server. Rows are the truth; the store's count of commits is only a hint
// that it may be worth reading them. Network thread; each is owned by the connection that it serves.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/ids.hpp"
#include "common/result.hpp"
#include "server/store/store.hpp"

namespace smgate::dashboard {

struct Pace {
  std::chrono::milliseconds tick{100};          // how late an event may be
  std::chrono::milliseconds heartbeat{10'000};  // proxies cut what is silent for a minute
};

// One of ApiOptions::streams_max, given back when it goes.
class StreamSlot {
 public:
  explicit StreamSlot(std::size_t& open) : open_(open) { ++open_; }
  ~StreamSlot() { --open_; }
  StreamSlot(const StreamSlot&) = delete;
  StreamSlot& operator=(const StreamSlot&) = delete;

 private:
  std::size_t& open_;
};

// Waits for rows: calls `read` when something was committed, and once a heartbeat in any case.
class Feed {
 public:
  using Ready = std::function<bool()>;  // false: the server stops
  Feed(store::Store& store, std::size_t& streams_open, Ready ready, const Pace& pace)
      : store_(store), slot_(streams_open), ready_(std::move(ready)), pace_(pace) {}
  virtual ~Feed() = default;

  // The next events, or a heartbeat; empty: it is over.
  boost::asio::awaitable<std::string> next();

 protected:
  // What is new, as text; may be empty. Sets over_ behind the last.
  virtual std::string read(store::ReadTx& tx) = 0;
  bool over_ = false;

 private:
  store::Store& store_;
  StreamSlot slot_;
  Ready ready_;
  Pace pace_;
  std::optional<std::uint64_t> commits_seen_;
};

// Every change of a run or a job.
class ChangeFeed final : public Feed {
 public:
  ChangeFeed(store::Store& store, std::size_t& streams_open, Ready ready, std::optional<std::int64_t> after,
             const Pace& pace = {})
      : Feed(store, streams_open, std::move(ready), pace), after_(after) {}

 private:
  std::string read(store::ReadTx& tx) override;
  std::optional<std::int64_t> after_;
  bool greeted_ = false;
};

// How much of a job a reader has: "2-120-4096-leased" are attempt, points, bytes of the log, and state.
struct JobPlace {
  int attempt = 0;
  std::uint64_t points = 0;
  std::uint64_t log_bytes = 0;
  std::string state;
};
Result<JobPlace> parse_place(const std::string& text);

class JobFeed final : public Feed {
 public:
  JobFeed(store::Store& store, std::size_t& streams_open, Ready ready, JobId job, JobPlace place, const Pace& pace = {})
      : Feed(store, streams_open, std::move(ready), pace), job_(std::move(job)), place_(std::move(place)) {}

 private:
  std::string read(store::ReadTx& tx) override;
  std::string event(const char* name, const std::string& data) const;
  JobId job_;
  JobPlace place_;
};

}  // namespace smgate::dashboard
