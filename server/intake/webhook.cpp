#include "server/intake/webhook.hpp"

#include <array>
#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>
#include <set>

#include "common/digest.hpp"
#include "common/json_reader.hpp"

namespace smgate::intake {
namespace {

constexpr IntegerRange kPositive{1, INT64_MAX};
constexpr std::string_view kHeads = "refs/heads/";

// The fields read below. All else, a push's commits above all, is thrown away while parsing.
const std::set<std::string>& known_fields() {
  static const std::set<std::string> known = {"ref",    "before",     "after",        "deleted",     "action",
                                              "number", "repository", "installation", "pull_request"};
  return known;
}

nlohmann::json parse_payload(std::string_view payload) {
  const auto keep = [](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    if (depth != 1 || event != nlohmann::json::parse_event_t::key) return true;
    return known_fields().contains(value.get_ref<const std::string&>());
  };
  return nlohmann::json::parse(payload, keep, false);
}

CommitSha read_commit(JsonReader& reader, const std::string& field) {
  const std::string text = reader.string(field, std::nullopt);
  const Result<CommitSha> sha = parse_commit_sha(text);
  if (!text.empty() && !sha) reader.mistake(field, sha.error().text());
  return sha ? *sha : CommitSha{};
}

JsonReader* read_object(JsonReader& reader, const std::string& field) {
  JsonReader* nested = reader.object(field);
  if (nested == nullptr) reader.mistake(field, "is required");
  return nested;
}

std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t length) {
  int value = 0;
  const char* end = text.data() + at + length;
  const auto [stopped, error] = std::from_chars(text.data() + at, end, value);
  return error == std::errc() && stopped == end ? std::optional(value) : std::nullopt;
}

// 2019-05-15T15:20:33Z: the one form in which GitHub writes UTC.
std::optional<std::int64_t> parse_utc_ms(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
  if (text.size() != kForm.size()) return std::nullopt;
  for (const std::size_t i : {4U, 7U, 10U, 13U, 16U, 19U})
    if (text[i] != kForm[i]) return std::nullopt;
  const auto year = number_at(text, 0, 4), month = number_at(text, 5, 2), day = number_at(text, 8, 2),
             hour = number_at(text, 11, 2), minute = number_at(text, 14, 2), second = number_at(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (*month < 1 || *month > 12 || *day < 1 || *day > 31 || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  std::tm utc{};
  utc.tm_year = *year - 1900;
  utc.tm_mon = *month - 1;
  utc.tm_mday = *day;
  utc.tm_hour = *hour;
  utc.tm_min = *minute;
  utc.tm_sec = *second;
  return std::int64_t{timegm(&utc)} * 1000;
}

// A push gives seconds since 1970; elsewhere it is text.
std::int64_t read_time_ms(JsonReader& reader, const std::string& field) {
  if (reader.has(field) && reader.value().at(field).is_number_integer())
    return reader.integer(field, std::nullopt, {0, INT64_MAX / 1000}) * 1000;
  const std::string text = reader.string(field, std::nullopt);
  const std::optional<std::int64_t> time_ms = parse_utc_ms(text);
  if (!text.empty() && !time_ms) reader.mistake(field, "must be a time as in 2019-05-15T15:20:33Z");
  return time_ms.value_or(0);
}

RepositoryRef read_repository(JsonReader& document) {
  RepositoryRef repository;
  if (JsonReader* reader = read_object(document, "repository")) {
    repository.full_name = reader->string("full_name", std::nullopt);
    repository.clone_url = reader->string("clone_url", std::nullopt);
    repository.default_branch = reader->string("default_branch", std::nullopt);
  }
  if (document.has("installation") && document.value().at("installation").is_object())
    repository.installation = document.object("installation")->integer("id", std::nullopt, kPositive);
  return repository;
}

Result<Webhook> finish(const JsonReader& document, std::string_view event, Webhook webhook) {
  if (document.mistakes().empty()) return webhook;
  return join_mistakes(document.mistakes(), "the payload of " + std::string(event));
}

Result<Webhook> read_push(JsonReader& document) {
  const std::string ref = document.string("ref", std::nullopt);
  if (ref.starts_with("refs/tags/")) return Ignored{"a push of a tag: only branches are gated"};
  if (document.mistakes().empty() && !ref.starts_with(kHeads))
    return Ignored{"a push of " + ref + ", which is no branch"};
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
  constexpr std::array<std::pair<std::string_view, PullAction>, 4> kActions{{{"opened", PullAction::opened},
                                                                             {"synchronize", PullAction::synchronize},
                                                                             {"reopened", PullAction::reopened},
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

Result<Webhook> read_pull_request(JsonReader& document) {
  const std::string action_name = document.string("action", std::nullopt);
  const std::optional<PullAction> action = parse_action(action_name);
  if (!action && document.mistakes().empty())
    return Ignored{"pull_request " + action_name + ": it changes no commit that is gated"};
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
  if (event == "ping") return Ignored{"ping: the webhook is set up"};
  if (event != "push" && event != "pull_request")
    return Ignored{"the event " + std::string(event) + " is not one that smgate acts on"};
  const nlohmann::json json = parse_payload(payload);
  if (!json.is_object()) return Error{"is no JSON object", "the payload of " + std::string(event), ""};
  JsonReader document(json);
  return event == "push" ? read_push(document) : read_pull_request(document);
}

bool is_all_zeros(const CommitSha& sha) {
  return !sha.empty() && sha.value.find_first_not_of('0') == std::string::npos;
}

}  // namespace smgate::intake
