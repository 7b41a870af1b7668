// What is asked of GitHub about a person, and what the answer is to say: the wish itself, in the shape of its webhook.
#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>

#include "common/clock.hpp"
#include "server/intake/apply.hpp"
#include "server/store/outbox.hpp"
#include "server/store/repositories.hpp"

namespace smgate::intake {
namespace {

using nlohmann::json;

// `about`: wishes about the same are asked for in their order. The repository's row is as new as the wish.
void ask(const Applying& applying, const std::string& repository, const std::string& about, json body) {
  body["payload"]["repository"] = store::repository_json(store::find_repository(applying.tx, repository).value());
  store::OutboundCall call;
  call.lane = fmt::format("permission/{}/{}", repository, about);
  call.kind = store::CallKind::ask_permission;
  call.repository = repository;
  call.external_id = applying.done.delivery.value;
  call.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  store::enqueue_call(applying.tx, call, applying.now_ms);
  applying.done.outcome =
      fmt::format("GitHub is asked whether {} may write to {}", body["login"].get<std::string>(), repository);
}

std::string words_of(const CommentCommand& comment) {
  if (comment.command == CommentCommand::Command::rerun) return "/smgate rerun";
  if (comment.command == CommentCommand::Command::explain) return "/smgate explain";
  return "/smgate approve " + comment.commit_prefix;
}

}  // namespace

void ask_permission(const Applying& applying, const CheckRequest& request) {
  const json payload{{"action", "requested_action"},
                     {"requested_action", {{"identifier", "approve"}}},
                     {"check_run", {{"name", request.check}, {"head_sha", request.head.value}}},
                     {"sender", {{"login", request.actor}}}};
  ask(applying, request.repository.full_name, request.head.value,
      {{"login", request.actor}, {"event", "check_run"}, {"payload", payload}});
}

void ask_permission(const Applying& applying, const CommentCommand& comment) {
  const json payload{{"action", "created"},
                     {"issue", {{"number", comment.pull_request}, {"pull_request", json::object()}}},
                     {"comment",
                      {{"body", words_of(comment)},
                       {"author_association", comment.association},
                       {"created_at", to_rfc3339_seconds(comment.created_ms)},
                       {"user", {{"login", comment.actor}}}}}};
  ask(applying, comment.repository.full_name, std::to_string(comment.pull_request),
      {{"login", comment.actor}, {"event", "issue_comment"}, {"payload", payload}});
}

}  // namespace smgate::intake
