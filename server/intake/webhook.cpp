#include "server/intake/webhook.hpp"

#include <array>
#include <map>

#include "common/digest.hpp"
#include "server/intake/webhook_fields.hpp"

namespace smgate::intake {
namespace {

constexpr std::string_view kHeads = "refs/heads/";
constexpr std::string_view kQueue = "refs/heads/gh-readonly-queue/";  // GitHub's own branches for merge groups

Result<Webhook> read_push(JsonReader& document) {
  const std::string ref = document.string("ref", std::nullopt);
  if (ref.starts_with("refs/tags/")) return Ignored{"a push of a tag: only branches are gated"};
  if (document.mistakes().empty() && !ref.starts_with(kHeads))
    return Ignored{"a push of " + ref + ", which is no branch"};
  if (ref.starts_with(kQueue)) return Ignored{"a push of a merge group: its merge_group event says when to check it"};
  if (document.boolean("deleted", false)) return Ignored{"the branch was deleted: there is nothing to run"};
  Push push;
  push.branch = ref.substr(std::min(ref.size(), kHeads.size()));
  push.before = read_commit(document, "before");
  push.after = read_commit(document, "after");
  push.repository = read_repository(document);
  if (JsonReader* repository = document.object("repository")) push.pushed_ms = read_time_ms(*repository, "pushed_at");
  if (is_all_zeros(push.after)) return Ignored{"the branch was deleted: there is nothing to run"};
  return finish(document, "push", std::move(push));
}

std::optional<PullAction> parse_action(std::string_view action) {
  constexpr std::array<std::pair<std::string_view, PullAction>, 6> kActions{
      {{"opened", PullAction::opened},
       {"synchronize", PullAction::synchronize},
       {"reopened", PullAction::reopened},
       {"ready_for_review", PullAction::ready_for_review},
       {"edited", PullAction::retargeted},
       {"closed", PullAction::closed}}};
  for (const auto& [name, value] : kActions)
    if (name == action) return value;
  return std::nullopt;
}

void read_head(JsonReader& pull, PullRequestEvent& event) {
  JsonReader* head = read_object(pull, "head");
  if (head == nullptr) return;
  event.head = read_commit(*head, "sha");
  event.head_branch = head->string("ref", std::nullopt);
  // null where the fork was deleted
  if (head->has("repo") && head->value().at("repo").is_object())
    event.head_repository = head->object("repo")->string("full_name", std::nullopt);
}

void read_base(JsonReader& pull, PullRequestEvent& event) {
  JsonReader* base = read_object(pull, "base");
  if (base == nullptr) return;
  event.base = read_commit(*base, "sha");
  event.base_branch = base->string("ref", std::nullopt);
}

// Of an edit: title and text are edited, too.
bool has_new_base(const JsonReader& document) {
  const nlohmann::json& payload = document.value();
  return payload.contains("changes") && payload["changes"].is_object() && payload["changes"].contains("base");
}

Result<Webhook> read_pull_request(JsonReader& document) {
  const std::string action_name = document.string("action", std::nullopt);
  const std::optional<PullAction> action = parse_action(action_name);
  if (!action && document.mistakes().empty())
    return Ignored{"pull_request " + action_name + ": it changes no commit that is gated"};
  if (action == PullAction::retargeted && !has_new_base(document))
    return Ignored{"pull_request edited: its base is the same, so nothing that is gated has changed"};
  PullRequestEvent event;
  event.action = action.value_or(PullAction::opened);
  event.number = document.integer("number", std::nullopt, kPositive);
  event.repository = read_repository(document);
  if (JsonReader* pull = read_object(document, "pull_request")) {
    read_head(*pull, event);
    read_base(*pull, event);
    event.updated_ms = read_time_ms(*pull, "updated_at");
  }
  if (event.action == PullAction::synchronize && document.has("before"))
    event.previous = read_commit(document, "before");
  return finish(document, "pull_request", std::move(event));
}

}  // namespace

bool verify_signature(std::string_view secret, std::string_view raw_body, std::string_view header) {
  return equal_in_constant_time("sha256=" + hmac_sha256_hex(secret, raw_body), header);
}

Result<Webhook> parse_webhook(std::string_view event, std::string_view payload) {
  using Read = Result<Webhook> (*)(JsonReader&);
  static const std::map<std::string_view, Read> kEvents = {
      {"push", read_push},
      {"pull_request", read_pull_request},
      {"merge_group", read_merge_group},
      {"check_run", read_check_run},
      {"check_suite", read_check_suite},
      {"issue_comment", read_issue_comment},
      {"installation", read_installation},
      {"installation_repositories", read_installation_repositories}};
  if (event == "ping") return Webhook(Ignored{"ping: the webhook is set up"});
  const auto known = kEvents.find(event);
  if (known == kEvents.end())
    return Webhook(Ignored{"the event " + std::string(event) + " is not one that smgate acts on"});
  const nlohmann::json json = parse_payload(payload);
  if (!json.is_object()) return Error{"is no JSON object", "the payload of " + std::string(event), ""};
  JsonReader document(json);
  return known->second(document);
}

bool is_all_zeros(const CommitSha& sha) {
  return !sha.empty() && sha.value.find_first_not_of('0') == std::string::npos;
}

}  // namespace smgate::intake
