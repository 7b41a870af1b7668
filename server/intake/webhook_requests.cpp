// Events by which GitHub or a person asks for something: merge groups, buttons of checks, comments, installations.
#include <optional>

#include "server/intake/webhook_fields.hpp"
#include "server/store/deliveries.hpp"

namespace smgate::intake {
namespace {

constexpr std::string_view kCommandWord = "/smgate";
constexpr std::size_t kIndentMax = 3;  // of Markdown: a line indented further is code
constexpr std::size_t kFenceMin = 3;
constexpr std::string_view kApproveButton = "approve";
constexpr std::string_view kRerunButton = "rerun";

std::string action_of(JsonReader& document) { return document.string("action", std::nullopt); }

// ``` or ~~~, three or more, indented by three spaces at most: what stands between two of them is shown, not said.
// Returns the fence, or nothing.
std::string_view fence_of(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin == std::string_view::npos || begin > kIndentMax || (line[begin] != '`' && line[begin] != '~')) return {};
  const std::size_t end = std::min(line.find_first_not_of(line[begin], begin), line.size());
  return end - begin >= kFenceMin ? line.substr(begin, end - begin) : std::string_view();
}

bool is_code(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(' ');
  return begin != std::string_view::npos && (begin > kIndentMax || line[begin] == '\t');
}

std::string_view next_word(std::string_view& line) {
  const std::size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

// The first line that is a command: what stands after the word. Lines of code and quotations command nothing.
std::optional<std::string_view> command_line(std::string_view body) {
  std::string_view open;  // the fence
  while (!body.empty()) {
    std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(body.size(), line.size() + 1));
    const std::string_view fence = fence_of(line);
    if (!open.empty()) {
      if (fence.starts_with(open)) open = {};
    } else if (!fence.empty()) {
      open = fence;
    } else if (!is_code(line) && next_word(line) == kCommandWord) {
      return line;
    }
  }
  return std::nullopt;
}

std::optional<CommentCommand::Command> parse_command(std::string_view word) {
  if (word == "rerun") return CommentCommand::Command::rerun;
  if (word == "approve") return CommentCommand::Command::approve;
  if (word == "explain") return CommentCommand::Command::explain;
  return std::nullopt;
}

// A line that begins with the word, in a comment of a pull request; else why it is none.
Result<Webhook> read_command(JsonReader& document, std::string_view line) {
  const std::string_view word = next_word(line);
  const std::optional<CommentCommand::Command> command = parse_command(word);
  if (!command) return Webhook(Ignored{"/smgate knows the commands rerun, approve and explain"});
  CommentCommand comment;
  comment.command = *command;
  comment.commit_prefix = next_word(line);
  comment.repository = read_repository(document);
  if (JsonReader* issue = read_object(document, "issue"))
    comment.pull_request = issue->integer("number", std::nullopt, kPositive);
  JsonReader* written = document.object("comment");
  comment.association = written->string("author_association", std::nullopt);
  comment.created_ms = read_time_ms(*written, "created_at");
  if (JsonReader* user = read_object(*written, "user")) comment.actor = user->string("login", std::nullopt);
  comment.permission = document.string(store::kPermissionField, "");
  return finish(document, "issue_comment", std::move(comment));
}

std::vector<std::string> read_names(JsonReader& document, const std::string& field) {
  std::vector<std::string> names;
  if (!document.has(field) || !document.value().at(field).is_array()) return names;
  for (const nlohmann::json& repository : document.value().at(field))
    if (repository.is_object() && repository.contains("full_name") && repository["full_name"].is_string())
      names.push_back(repository["full_name"].get<std::string>());
  return names;
}

std::int64_t read_installation_id(JsonReader& document) {
  JsonReader* installation = read_object(document, "installation");
  return installation == nullptr ? 0 : installation->integer("id", std::nullopt, kPositive);
}

}  // namespace

Result<Webhook> read_merge_group(JsonReader& document) {
  const std::string action = action_of(document);
  if (action != "checks_requested" && action != "destroyed" && document.mistakes().empty())
    return Webhook(Ignored{"merge_group " + action + ": it asks for no checks"});
  MergeGroup group;
  group.destroyed = action == "destroyed";
  group.why = document.string("reason", "");
  group.repository = read_repository(document);
  if (JsonReader* reader = read_object(document, "merge_group")) {
    group.ref = reader->string("head_ref", std::nullopt);
    group.head = read_commit(*reader, "head_sha");
    group.base = read_commit(*reader, "base_sha");
  }
  return finish(document, "merge_group", std::move(group));
}

Result<Webhook> read_check_run(JsonReader& document) {
  const std::string action = action_of(document);
  if (action != "rerequested" && action != "requested_action" && document.mistakes().empty())
    return Webhook(Ignored{"check_run " + action + ": it tells what smgate or another App wrote"});
  CheckRequest request;
  if (action == "requested_action") {
    JsonReader* button = read_object(document, "requested_action");
    const std::string identifier = button == nullptr ? "" : button->string("identifier", std::nullopt);
    if (identifier == kApproveButton)
      request.wish = CheckRequest::Wish::approve;
    else if (identifier != kRerunButton && document.mistakes().empty())
      return Webhook(Ignored{"the button " + identifier + " is not one of smgate's"});
  }
  request.repository = read_repository(document);
  if (JsonReader* check = read_object(document, "check_run")) {
    request.check = check->string("name", std::nullopt);
    request.head = read_commit(*check, "head_sha");
  }
  request.actor = read_sender(document);
  request.permission = document.string(store::kPermissionField, "");
  return finish(document, "check_run", std::move(request));
}

Result<Webhook> read_check_suite(JsonReader& document) {
  const std::string action = action_of(document);
  if (action == "requested")
    return Webhook(Ignored{"check_suite requested: the push or pull_request event of the commit starts its run"});
  if (action != "rerequested" && document.mistakes().empty())
    return Webhook(Ignored{"check_suite " + action + ": it asks for nothing"});
  CheckRequest request;
  request.repository = read_repository(document);
  if (JsonReader* suite = read_object(document, "check_suite")) request.head = read_commit(*suite, "head_sha");
  request.actor = read_sender(document);
  return finish(document, "check_suite", std::move(request));
}

Result<Webhook> read_issue_comment(JsonReader& document) {
  const std::string action = action_of(document);
  if (action != "created" && document.mistakes().empty())
    return Webhook(Ignored{"issue_comment " + action + ": only a new comment is a command"});
  JsonReader* comment = read_object(document, "comment");
  const std::string body = comment == nullptr ? "" : comment->string("body", "");
  const std::optional<std::string_view> line = command_line(body);
  if (!line && document.mistakes().empty()) return Webhook(Ignored{"a comment without a /smgate command"});
  const bool of_pull = document.value().contains("issue") && document.value()["issue"].contains("pull_request");
  if (!of_pull && document.mistakes().empty())
    return Webhook(Ignored{"a /smgate command in an issue: write it in a pull request"});
  if (!document.mistakes().empty()) return join_mistakes(document.mistakes(), "the payload of issue_comment");
  return read_command(document, *line);
}

Result<Webhook> read_installation(JsonReader& document) {
  InstallationChange change;
  change.action = action_of(document);
  change.installation = read_installation_id(document);
  if (change.action == "created" || change.action == "unsuspend" || change.action == "new_permissions_accepted")
    change.added = read_names(document, "repositories");
  else if (change.action == "deleted" || change.action == "suspend")
    change.whole = true;
  else if (document.mistakes().empty())
    return Webhook(Ignored{"installation " + change.action + ": it changes nothing that smgate may do"});
  return finish(document, "installation", std::move(change));
}

Result<Webhook> read_installation_repositories(JsonReader& document) {
  InstallationChange change;
  change.action = action_of(document);
  change.installation = read_installation_id(document);
  change.added = read_names(document, "repositories_added");
  change.removed = read_names(document, "repositories_removed");
  return finish(document, "installation_repositories", std::move(change));
}

const RepositoryRef* repository_of(const Webhook& webhook) {
  return std::visit(
      [](const auto& event) -> const RepositoryRef* {
        if constexpr (requires { event.repository; })
          return &event.repository;
        else
          return nullptr;
      },
      webhook);
}

}  // namespace smgate::intake
