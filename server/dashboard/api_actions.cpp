// What changes something, each with its entry in the audit log; and the log.
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/dashboard/api.hpp"
#include "server/dashboard/parameters.hpp"
#include "server/store/runners.hpp"
#include "server/store/store_async.hpp"

namespace smgate::dashboard {
namespace {

using nlohmann::json;

constexpr std::int64_t kPageDefault = 30;
constexpr std::int64_t kSeqMax = INT64_C(1) << 60;
constexpr std::string_view kActions[] = {"rerun", "cancel", "approve", "drain", "undrain"};

http::Response not_done(const http::Request& request, const std::string& why) {
  return http::problem_response({409, "not-done", why, "look at it again: what it is now decides what can be done"},
                                request.path);
}

json to_json(const std::optional<store::AuditEntry::OfRun>& run) {
  if (!run) return json();
  return {{"id", run->id.value},
          {"repository", run->repository},
          {"branch", run->branch},
          {"arch", run->arch ? json(run->arch->value) : json()}};
}

json to_json(const store::AuditEntry& entry) {
  return {{"seq", entry.seq},       {"at", to_rfc3339(entry.at_ms)}, {"token", entry.token},
          {"action", entry.action}, {"target", entry.target},        {"done", entry.done},
          {"text", entry.text},     {"run", to_json(entry.run)}};
}

Result<store::AuditFilter> parse_audit_filter(const http::Request& request) {
  store::AuditFilter filter{request.query_value("token"), request.query_value("action")};
  if (filter.action && std::find(std::begin(kActions), std::end(kActions), *filter.action) == std::end(kActions))
    return Error{fmt::format("query parameter \"action\" is \"{}\"", *filter.action), "",
                 fmt::format("give one of {}", fmt::join(kActions, ", "))};
  return filter;
}

store::ActionResult drain_action(store::Tx& tx, const RunnerName& runner, bool drained) {
  store::ActionResult result;
  result.done = store::set_drained(tx, runner, drained);
  result.schedule = result.done && !drained;
  result.text = !result.done ? "there is no runner " + runner.value
                : drained    ? "the runner " + runner.value + " is given no new job"
                             : "the runner " + runner.value + " is given jobs again";
  return result;
}

}  // namespace

Api::Answer Api::act(http::Request request, store::ApiToken token, std::string action, std::string target,
                     Operation operation) {
  if (auto known = only_known(request, {}); !known) co_return bad_parameter(request, known.error());
  const std::int64_t now_ms = clock_.now_ms();
  const store::ActionResult result = co_await store::write(store_, [&](store::Tx& tx) {
    store::ActionResult done = operation(tx, "token " + token.name, now_ms);
    store::add_audit(tx, {0, now_ms, token.name, action, target, done.done, done.text, std::nullopt});
    return done;
  });
  if (!result.done) co_return not_done(request, result.text);
  hints_.acted(result);
  co_return http::json_response(200, {{"done", true}, {"text", result.text}});
}

// An operation has a name before it is awaited: GCC 12 destroys a temporary closure in such a call twice.
Api::Answer Api::rerun_run(http::Request request, store::ApiToken token) {
  const RunId run{request.params.at("id")};
  const auto found = co_await store::read(store_, [&run](store::ReadTx& tx) { return store::find_run(tx, run); });
  if (!found) co_return not_found(request, "there is no run of this id");
  Operation operation = [run](store::Tx& tx, const std::string& actor, std::int64_t now_ms) {
    return store::rerun_run(tx, run, actor, now_ms);
  };
  co_return co_await act(std::move(request), std::move(token), "rerun", run.value, std::move(operation));
}

Api::Answer Api::rerun_job(http::Request request, store::ApiToken token) {
  const JobId id{request.params.at("id")};
  const auto job = co_await store::read(store_, [&id](store::ReadTx& tx) { return store::find_job(tx, id); });
  if (!job) co_return not_found(request, "there is no job of this id");
  const RunId run = job->run;
  const Arch arch = job->arch;
  Operation operation = [run, arch](store::Tx& tx, const std::string& actor, std::int64_t now_ms) {
    return store::rerun_job(tx, run, arch, actor, now_ms);
  };
  co_return co_await act(std::move(request), std::move(token), "rerun", id.value, std::move(operation));
}

Api::Answer Api::cancel_run(http::Request request, store::ApiToken token) {
  const RunId run{request.params.at("id")};
  const auto found = co_await store::read(store_, [&run](store::ReadTx& tx) { return store::find_run(tx, run); });
  if (!found) co_return not_found(request, "there is no run of this id");
  Operation operation = [run](store::Tx& tx, const std::string& actor, std::int64_t now_ms) {
    return store::cancel_run(tx, run, actor, now_ms);
  };
  co_return co_await act(std::move(request), std::move(token), "cancel", run.value, std::move(operation));
}

Api::Answer Api::approve_run(http::Request request, store::ApiToken token) {
  const RunId run{request.params.at("id")};
  const json body = json::parse(request.body, nullptr, false);
  const bool named = body.is_object() && body.size() == 1 && body.contains("commit") && body["commit"].is_string();
  const Result<CommitSha> head =
      named ? parse_commit_sha(body["commit"].get<std::string>())
            : Result<CommitSha>(Error{"the body names no commit", "", "send {\"commit\": \"...\"}, as you saw it"});
  if (!head) co_return bad_parameter(request, head.error());
  const auto found = co_await store::read(store_, [&run](store::ReadTx& tx) { return store::find_run(tx, run); });
  if (!found) co_return not_found(request, "there is no run of this id");
  const CommitSha commit = *head;
  Operation operation = [run, commit](store::Tx& tx, const std::string& actor, std::int64_t now_ms) {
    return store::approve_run(tx, run, commit, actor, now_ms);
  };
  co_return co_await act(std::move(request), std::move(token), "approve", run.value, std::move(operation));
}

Api::Answer Api::drain_runner(http::Request request, store::ApiToken token) {
  const RunnerName name{request.params.at("name")};
  Operation operation = [name](store::Tx& tx, const std::string&, std::int64_t) {
    return drain_action(tx, name, true);
  };
  co_return co_await act(std::move(request), std::move(token), "drain", name.value, std::move(operation));
}

Api::Answer Api::undrain_runner(http::Request request, store::ApiToken token) {
  const RunnerName name{request.params.at("name")};
  Operation operation = [name](store::Tx& tx, const std::string&, std::int64_t) {
    return drain_action(tx, name, false);
  };
  co_return co_await act(std::move(request), std::move(token), "undrain", name.value, std::move(operation));
}

Api::Answer Api::list_audit(http::Request request) {
  if (auto known = only_known(request, {"token", "action", "before", "limit"}); !known)
    co_return bad_parameter(request, known.error());
  const Result<store::AuditFilter> filter = parse_audit_filter(request);
  if (!filter) co_return bad_parameter(request, filter.error());
  const auto before = integer_parameter(request, "before", kSeqMax, {1, kSeqMax});
  const auto limit = integer_parameter(request, "limit", kPageDefault, {1, store::kPageMax});
  for (const auto* number : {&before, &limit})
    if (!*number) co_return bad_parameter(request, number->error());
  const store::AuditPage page = co_await store::read(store_, [&filter, &before, &limit](store::ReadTx& tx) {
    return store::read_audit(tx, *filter, *before, static_cast<std::size_t>(*limit));
  });
  json entries = json::array();
  for (const store::AuditEntry& entry : page.entries) entries.push_back(to_json(entry));
  std::optional<std::string> next;
  if (page.next) next = std::to_string(*page.next);
  co_return http::json_response(200, {{"entries", std::move(entries)}, {"next", next_page(request, "before", next)}});
}

}  // namespace smgate::dashboard
