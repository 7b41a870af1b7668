#include "server/dashboard/feeds.hpp"

#include <spdlog/fmt/fmt.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <nlohmann/json.hpp>

#include "server/curves/curve_reader.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/dashboard/views_json.hpp"
#include "server/store/changes.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::size_t kChangesMax = 256;       // a piece
constexpr std::size_t kFeedPointsMax = 2'000;  // an event
constexpr const char* kHeartbeatText = ": still here\n\n";

std::string one_line(const json& value) {
  std::string text = to_text(value);
  text.pop_back();
  return text;
}

json change_json(const store::Change& change) {
  const bool of_job = change.job.has_value();
  const auto verdict = of_job ? change.job->verdict : change.run.verdict;
  return {{"kind", of_job ? "job" : "run"},
          {"run", change.run.id.value},
          {"job", of_job ? json(change.job->id.value) : json()},
          {"arch", of_job ? json(change.job->arch.value) : json()},
          {"repository", change.run.repository},
          {"branch", change.run.branch},
          {"state", of_job ? to_string(change.job->state) : to_string(change.run.state)},
          {"verdict", verdict ? json(to_string(*verdict)) : json()}};
}

std::string sse(const std::string& id, std::string_view name, const std::string& data) {
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", id, name, data);
}

bool is_over(store::JobState state) { return state == store::JobState::done || state == store::JobState::cancelled; }

}  // namespace

asio::awaitable<std::string> Feed::next() {
  if (over_) co_return "";
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (std::chrono::milliseconds waited{0}; ready_(); waited += pace_.tick) {
    const std::uint64_t commits = store_.figures().commits;  // before the rows: what comes between is read again
    const bool beat = waited >= pace_.heartbeat;
    if (commits != commits_seen_ || beat) {
      commits_seen_ = commits;
      std::string events = co_await store::read(store_, [this](store::ReadTx& tx) { return read(tx); });
      if (!events.empty()) {
        commits_seen_.reset();  // there may be more than one piece takes
        co_return events;
      }
    }
    if (beat) co_return kHeartbeatText;
    timer.expires_after(pace_.tick);
    co_await timer.async_wait(asio::use_awaitable);
  }
  co_return "";
}

std::string ChangeFeed::read(store::ReadTx& tx) {
  std::string text;
  if (!greeted_) {
    const bool anew = !after_;
    if (anew) after_ = store::last_change(tx);
    text = sse(std::to_string(*after_), "hello", "{}");
    greeted_ = true;
    if (anew) return text;
  }
  const store::Changes read = store::read_changes(tx, *after_, kChangesMax);
  if (read.lost) text += sse(std::to_string(read.last), "reset", "{}");
  for (const store::Change& change : read.changes)
    text += sse(std::to_string(change.seq), change.job ? "job" : "run", one_line(change_json(change)));
  after_ = read.last;
  return text;
}

Result<JobPlace> parse_place(const std::string& text) {
  JobPlace place;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  const auto number = [&at, end](auto& value) {
    const auto [rest, error] = std::from_chars(at, end, value);
    const bool good = error == std::errc() && rest != end && *rest == '-';
    at = good ? rest + 1 : end;
    return good;
  };
  if (!number(place.attempt) || !number(place.points) || !number(place.log_bytes) || place.attempt < 0)
    return Error{fmt::format("Last-Event-ID is \"{}\"", text), "", "send the id of the last event, or none"};
  place.state.assign(at, end);
  return place;
}

std::string JobFeed::event(const char* name, const std::string& data) const {
  return sse(fmt::format("{}-{}-{}-{}", place_.attempt, place_.points, place_.log_bytes, place_.state), name, data);
}

std::string JobFeed::read(store::ReadTx& tx) {
  const std::optional<store::Job> job = store::find_job(tx, job_);
  if (!job) return "";
  const std::string state(to_string(job->state));
  std::string text;
  if (job->attempt != place_.attempt || state != place_.state) {
    if (job->attempt != place_.attempt) place_ = {job->attempt, 0, 0, ""};
    place_.state = state;
    text += event("job", one_line(to_json(*job)));
  }
  const curves::CurveText curve = curves::read_range(tx, *job, 0, place_.points, kFeedPointsMax);
  if (!curve.points.empty()) {
    place_.points = curve.next;
    text += event("curve", curves::to_text(curve));
  }
  if (job->log_bytes > place_.log_bytes) {
    const json span = {{"attempt", job->attempt}, {"begin", place_.log_bytes}, {"end", job->log_bytes}};
    place_.log_bytes = job->log_bytes;
    text += event("log", one_line(span));
  }
  over_ = is_over(job->state) && curve.points.size() < kFeedPointsMax;
  if (over_) text += event("end", "{}");
  return text;
}

}  // namespace smgate::dashboard
