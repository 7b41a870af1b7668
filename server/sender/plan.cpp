#include "server/sender/plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "server/sender/bodies.hpp"

namespace smgate::sender {
namespace {

using nlohmann::json;
using store::CallKind;

constexpr std::int64_t kClockSkew_ms = 120'000;  // between GitHub's clock and ours

json body_of(const Task& task) {
  json body = json::parse(cut_body(task.call.body, task.call.cut), nullptr, false);
  // The row's own: by it a check run is found again.
  if (task.call.kind == CallKind::set_check && body.is_object()) body["external_id"] = task.call.external_id;
  return body;
}

// The check run that this call is about, where GitHub is known to have it.
bool is_known(const Task& task) {
  return task.check && task.check->external_id == task.call.external_id && task.check->check_run_id != 0;
}

store::Check check_after(const Task& task, const json& body, std::int64_t check_run_id) {
  store::Check check;
  check.repository = task.call.repository;
  check.head = CommitSha{text_at(body, "head_sha")};
  check.name = text_at(body, "name");
  check.external_id = task.call.external_id;
  check.check_run_id = check_run_id;
  check.status = text_at(body, "status");
  check.conclusion = text_at(body, "conclusion");
  check.annotations = is_known(task) ? task.check->annotations : 0;
  return check;
}

github::Request set_check_request(const Task& task, const json& body, std::int64_t check_run_id) {
  const std::string& repository = task.call.repository;
  return check_run_id == 0 ? github::create_check_run(repository, body)
                           : github::update_check_run(repository, check_run_id, update_body(body));
}

Step set_check(const Task& task) {
  const json body = body_of(task);
  const CommitSha head{text_at(body, "head_sha")};
  if (task.statuses) return Act{github::create_commit_status(task.call.repository, head, status_body(body))};
  if (is_known(task)) return Act{set_check_request(task, body, task.check->check_run_id)};
  if (task.call.unsure) return Look{github::list_check_runs(task.call.repository, head, text_at(body, "name"))};
  return Act{set_check_request(task, body, 0)};
}

Step add_annotations(const Task& task) {
  if (task.statuses) return Finish{};
  if (!is_known(task)) return GiveUp{"the check run that they belong to was never made"};
  if (task.call.unsure) return Look{github::get_check_run(task.call.repository, task.check->check_run_id)};
  return Act{github::update_check_run(task.call.repository, task.check->check_run_id, annotations_body(body_of(task)))};
}

Step create_comment(const Task& task) {
  const json body = body_of(task);
  const std::int64_t issue = number_at(body, "issue_number");
  if (task.call.unsure)
    return Look{github::list_comments(task.call.repository, issue, task.call.created_ms - kClockSkew_ms)};
  return Act{github::create_comment(task.call.repository, issue, comment_text(body, task.call.external_id))};
}

Step act(Task task) {
  task.call.unsure = false;
  return first_step(task);
}

// The check run that an earlier attempt made, by its external_id.
std::int64_t find_made(const json& listed, const std::string& external_id) {
  if (!listed.is_object() || !listed.contains("check_runs")) return 0;
  for (const json& run : listed["check_runs"])
    if (text_at(run, "external_id") == external_id) return number_at(run, "id");
  return 0;
}

Step after_check_look(const Task& task, const json& answer) {
  const std::int64_t made = find_made(answer, task.call.external_id);
  if (made == 0) return act(task);
  return Act{set_check_request(task, body_of(task), made)};
}

Step after_annotations_look(const Task& task, const json& answer) {
  const auto sent = static_cast<std::int64_t>(annotations_of(body_of(task)).size());
  const std::int64_t there = answer.contains("output") ? number_at(answer["output"], "annotations_count") : 0;
  if (there < task.check->annotations + sent) return act(task);
  store::Check check = *task.check;
  check.annotations += sent;
  return Finish{check};
}

Step after_comment_look(const Task& task, const json& answer) {
  const std::string mark = comment_mark(task.call.external_id);
  const bool there = answer.is_array() && std::any_of(answer.begin(), answer.end(), [&](const json& comment) {
                       return text_at(comment, "body").find(mark) != std::string::npos;
                     });
  return there ? Step(Finish{}) : act(task);
}

Finish finished(const Task& task, const github::Answer& answer) {
  const json body = body_of(task);
  if (task.call.kind == CallKind::set_check) {
    const json made = json::parse(answer.body, nullptr, false);
    return Finish{check_after(task, body, task.statuses || !made.is_object() ? 0 : number_at(made, "id"))};
  }
  if (task.call.kind != CallKind::add_annotations || !task.check) return Finish{};
  store::Check check = *task.check;
  check.annotations += static_cast<std::int64_t>(annotations_of(body).size());
  return Finish{check};
}

Conclusion later(const Task& task, const github::Retry& retry, bool looked, std::int64_t now_ms) {
  if (!retry.limited && now_ms - task.call.created_ms > kGiveUpAfter_ms) return GiveUp{retry.error};
  store::CallRetry again{retry.at_ms, retry.error, retry.unsure, task.call.cut, !retry.limited};
  if (looked) again.unsure = true;  // nothing new was learnt
  return Again{again};
}

Conclusion smaller(const Task& task, const std::string& error, std::int64_t now_ms) {
  const bool can_shrink = task.call.kind == CallKind::set_check && task.call.cut != store::BodyCut::bare;
  if (!can_shrink) return GiveUp{error};
  const auto cut = static_cast<store::BodyCut>(static_cast<int>(task.call.cut) + 1);
  return Again{{now_ms, error, false, cut}};
}

// Once: its id follows from that of the delivery that asked.
Finish permission_known(const Task& task, const std::string& permission, std::int64_t now_ms) {
  const json body = body_of(task);
  json payload = body.value("payload", json::object());
  payload[store::kPermissionField] = permission;
  return Finish{std::nullopt, store::Delivery{DeliveryId{"permission-" + task.call.external_id}, text_at(body, "event"),
                                              payload.dump(-1, ' ', false, json::error_handler_t::replace), now_ms}};
}

Conclusion permission_answered(const Task& task, const github::Answer& answer, std::int64_t now_ms) {
  const std::string permission = text_at(json::parse(answer.body, nullptr, false), "permission");
  if (!permission.empty()) return permission_known(task, permission, now_ms);
  const github::Retry again{now_ms + github::back_off_ms(task.call.attempts), "the answer names no permission"};
  return later(task, again, false, now_ms);
}

Conclusion missing(const Task& task, const github::Answer& answer, const std::string& error, bool looked,
                   std::int64_t now_ms) {
  const bool check_run_gone = answer.status == 404 && is_known(task) && task.call.kind == CallKind::set_check;
  const bool nobody = answer.status == 404 && task.call.kind == CallKind::ask_permission;
  if (nobody) return permission_known(task, "none", now_ms);
  if (check_run_gone) return Again{{now_ms, error, false, task.call.cut}, true};
  return later(task, {now_ms + github::back_off_ms(task.call.attempts), error, false, false}, looked, now_ms);
}

}  // namespace

Step first_step(const Task& task) {
  switch (task.call.kind) {
    case CallKind::set_check:
      return set_check(task);
    case CallKind::add_annotations:
      return add_annotations(task);
    case CallKind::create_comment:
      return create_comment(task);
    case CallKind::ask_permission:
      return Act{github::get_permission(task.call.repository, text_at(body_of(task), "login"))};
    case CallKind::redeliver:  // a webhook that comes twice is known by its id
      break;
  }
  return Act{github::redeliver(number_at(body_of(task), "delivery_id"))};
}

Step after_look(const Task& task, const json& seen) {
  switch (task.call.kind) {
    case CallKind::set_check:
      return after_check_look(task, seen);
    case CallKind::add_annotations:
      return after_annotations_look(task, seen);
    case CallKind::create_comment:
      return after_comment_look(task, seen);
    default:
      return act(task);
  }
}

namespace {

Conclusion conclude_by(const Task& task, const github::Meaning& meaning, const github::Answer& answer, bool looked,
                       std::int64_t now_ms) {
  if (std::holds_alternative<github::Done>(meaning))
    return task.call.kind == CallKind::ask_permission ? permission_answered(task, answer, now_ms)
                                                      : finished(task, answer);
  if (const auto* retry = std::get_if<github::Retry>(&meaning)) return later(task, *retry, looked, now_ms);
  if (const auto* less = std::get_if<github::Smaller>(&meaning)) {
    if (!looked) return smaller(task, less->error, now_ms);
    return later(task, {now_ms + github::back_off_ms(task.call.attempts), less->error, true, false}, true, now_ms);
  }
  if (const auto* gone = std::get_if<github::Missing>(&meaning))
    return missing(task, answer, gone->error, looked, now_ms);
  const auto& renew = std::get<github::Renew>(meaning);
  return later(task, {now_ms + github::back_off_ms(task.call.attempts), renew.error, false, false}, looked, now_ms);
}

}  // namespace

// What an earlier attempt may have done is not undone by this one's being refused: the next one looks as well.
Conclusion conclude(const Task& task, const github::Meaning& meaning, const github::Answer& answer, bool looked,
                    std::int64_t now_ms) {
  Conclusion conclusion = conclude_by(task, meaning, answer, looked, now_ms);
  if (auto* again = std::get_if<Again>(&conclusion)) again->retry.unsure = again->retry.unsure || task.call.unsure;
  return conclusion;
}

}  // namespace smgate::sender
