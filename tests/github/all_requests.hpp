// Every request that the client can send, with bodies as small and as large as they come: held against GitHub's
// description by one test, and sent to a mock of it by another.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "server/sender/plan.hpp"

namespace smgate::test {

inline const std::string kHead(40, 'a');

inline nlohmann::json full_check(const std::string& status, const std::string& conclusion) {
  nlohmann::json body{{"name", "smgate / sm_89"},
                      {"head_sha", kHead},
                      {"external_id", "01J00000000000000000000000"},
                      {"status", status},
                      {"details_url", "https://gate.example/runs/01J"},
                      {"output", {{"title", "pass"}, {"summary", std::string(65'535, 's')}, {"text", "t"}}},
                      {"actions", {{{"label", "Run again"}, {"identifier", "rerun"}, {"description", "Again"}}}}};
  if (!conclusion.empty()) body["conclusion"] = conclusion;
  return body;
}

inline nlohmann::json fifty_annotations() {
  nlohmann::json body{{"name", "smgate / sm_89"}, {"head_sha", kHead}, {"external_id", "x"}};
  body["output"] = {{"title", "fail"}, {"summary", "s"}, {"annotations", nlohmann::json::array()}};
  for (int line = 1; line <= 50; ++line)
    body["output"]["annotations"].push_back({{"path", "src/a.cpp"},
                                             {"start_line", line},
                                             {"end_line", line},
                                             {"annotation_level", "failure"},
                                             {"message", "late compile"}});
  return body;
}

inline sender::Task task_of(store::CallKind kind, const nlohmann::json& body, bool known = false) {
  sender::Task task;
  task.call.kind = kind;
  task.call.repository = "acme/kernels";
  task.call.external_id = "x";
  task.call.body = body.dump();
  task.call.created_ms = 1'779'253'530'000;
  task.call.attempts = 1;
  if (known) task.check = store::Check{"acme/kernels", CommitSha{kHead}, "smgate / sm_89", "x", 4, "queued", "", 0};
  return task;
}

inline github::Request first_request(const sender::Task& task) {
  const sender::Step step = sender::first_step(task);
  if (const auto* look = std::get_if<sender::Look>(&step)) return look->request;
  return std::get<sender::Act>(step).request;
}

// A row's whole life: each cut, as creation and update, as a status, and the look after an uncertain end.
inline void add_variants(std::vector<github::Request>& all, sender::Task task) {
  for (const bool statuses : {false, true})
    for (const auto cut : {store::BodyCut::whole, store::BodyCut::short_output, store::BodyCut::bare}) {
      task.statuses = statuses;
      task.call.cut = cut;
      all.push_back(first_request(task));
    }
  task.statuses = false;
  task.call.unsure = true;
  all.push_back(first_request(task));
}

inline std::vector<github::Request> all_requests() {
  using store::CallKind;
  std::vector<github::Request> all;
  const std::vector<std::string> conclusions{"action_required", "cancelled", "failure",  "neutral",
                                             "success",         "skipped",   "timed_out"};
  for (const bool known : {false, true}) {
    add_variants(all, task_of(CallKind::set_check, full_check("queued", ""), known));
    add_variants(all, task_of(CallKind::set_check, full_check("in_progress", ""), known));
    for (const std::string& conclusion : conclusions)
      add_variants(all, task_of(CallKind::set_check, full_check("completed", conclusion), known));
  }
  for (const bool unsure : {false, true}) {
    sender::Task annotations = task_of(CallKind::add_annotations, fifty_annotations(), true);
    sender::Task comment = task_of(CallKind::create_comment, {{"issue_number", 7}, {"body", "why"}});
    annotations.call.unsure = comment.call.unsure = unsure;
    all.push_back(first_request(annotations));
    all.push_back(first_request(comment));
  }
  all.push_back(first_request(task_of(CallKind::ask_permission, {{"login", "dependabot[bot]"}})));
  all.push_back(first_request(task_of(CallKind::redeliver, {{"delivery_id", 12}})));
  all.push_back(github::find_installation("acme/kernels"));
  all.push_back(github::create_installation_token(5));
  all.push_back(github::create_contents_token(5, "acme/kernels"));
  all.push_back(github::list_hook_deliveries());
  all.push_back(github::list_open_pulls("acme/kernels"));
  all.push_back(github::get_pull("acme/kernels", 7));
  all.push_back(github::list_merge_group_refs("acme/kernels"));
  return all;
}

}  // namespace smgate::test
