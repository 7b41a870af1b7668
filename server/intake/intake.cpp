#include "server/intake/intake.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/random.hpp"
#include "server/intake/apply.hpp"
#include "server/store/actions.hpp"
#include "server/store/repositories.hpp"

namespace smgate::intake {
namespace {

constexpr std::size_t kDeliveryIdMax = 128;  // GitHub's are UUIDs of 36 characters
constexpr std::size_t kEventNameMax = 64;    // the longest of GitHub's 70 events has 34

bool is_printable(const std::string& text, std::size_t length_max) {
  return !text.empty() && text.size() <= length_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// --- push

// Seconds tie easily; then the chain of before and after tells.
bool is_older(const Push& push, const store::Branch& known) {
  if (push.pushed_ms != known.pushed_ms) return push.pushed_ms < known.pushed_ms;
  return push.after == known.before && push.after != known.head;
}

// Every push to the default branch has its run, however late it comes: none is ever superseded.
store::NewRun default_branch_run(const Push& push) {
  store::NewRun wanted;
  const bool first = is_all_zeros(push.before);
  wanted.base_sha = first ? CommitSha{} : push.before;
  wanted.base_rule = first ? store::BaseRule::none : store::BaseRule::exact;
  return wanted;
}

store::NewRun other_branch_run(store::ReadTx& tx, const Push& push) {
  store::NewRun wanted;
  wanted.base_rule = store::BaseRule::merge_base;
  const std::string& repository = push.repository.full_name;
  // The same key as the pull request's own event has, so that both name one run.
  if (const auto pull = store::find_pull_request_of_branch(tx, repository, push.branch))
    wanted.base_sha = pull->base;
  else if (const auto base = store::find_branch(tx, repository, push.repository.default_branch))
    wanted.base_sha = base->head;
  return wanted;
}

}  // namespace

void apply(const Applying& applying, const Push& push) {
  store::Tx& tx = applying.tx;
  Processed& done = applying.done;
  const std::string& repository = push.repository.full_name;
  const bool is_default = push.branch == push.repository.default_branch;
  const auto known = store::find_branch(tx, repository, push.branch);
  const bool older = known && is_older(push, *known);
  if (older && !is_default) {
    done.outcome = "nothing done: a newer push to " + push.branch + " came before this one";
    return;
  }
  store::NewRun wanted = is_default ? default_branch_run(push) : other_branch_run(tx, push);
  if (!older) store::save_branch(tx, {repository, push.branch, push.after, push.before, push.pushed_ms});
  wanted.repository = repository;
  wanted.head_sha = push.after;
  wanted.branch = push.branch;
  wanted.ref = "refs/heads/" + push.branch;
  name_run(applying, wanted, {done.delivery, "push", wanted.ref, std::nullopt});
  if (!is_default)
    supersede(applying, repository, wanted.ref, done.run, "superseded by a newer push to " + push.branch);
}

namespace {

// --- pull request

bool is_older(const PullRequestEvent& event, const store::PullRequest& known) {
  if (event.updated_ms != known.updated_ms) return event.updated_ms < known.updated_ms;
  // Within one second: what was closed stays so unless reopened, and a head does not go back to the one before it.
  if (event.action == PullAction::closed) return false;
  if (!known.open) return event.action != PullAction::reopened;
  return event.head == known.previous && event.head != known.head;
}

store::PullRequest pull_row(const PullRequestEvent& event, const std::optional<store::PullRequest>& known) {
  store::PullRequest pull;
  pull.repository = event.repository.full_name;
  pull.number = event.number;
  pull.head_repository = event.head_repository;
  pull.head_branch = event.head_branch;
  pull.head = event.head;
  if (known) pull.previous = known->head == event.head ? known->previous : known->head;
  if (event.previous) pull.previous = *event.previous;
  pull.base_branch = event.base_branch;
  pull.base = event.base;
  pull.open = event.action != PullAction::closed;
  pull.updated_ms = event.updated_ms;
  return pull;
}

store::NewRun pull_request_run(store::ReadTx& tx, const PullRequestEvent& event, const std::string& ref) {
  store::NewRun wanted;
  wanted.repository = event.repository.full_name;
  wanted.head_sha = event.head;
  wanted.base_sha = event.base;
  wanted.base_rule = store::BaseRule::merge_base;
  wanted.branch = event.head_branch;
  wanted.ref = ref;
  wanted.pull_request = event.number;
  wanted.held = event.from_fork() && !store::is_approved(tx, wanted.repository, event.number, event.head);
  if (wanted.held)
    wanted.held_reason = fmt::format("the head is in the fork {}: it is not run before somebody approves it",
                                     event.head_repository.empty() ? "(deleted)" : event.head_repository);
  return wanted;
}

}  // namespace

void apply(const Applying& applying, const PullRequestEvent& event) {
  store::Tx& tx = applying.tx;
  Processed& done = applying.done;
  const std::string& repository = event.repository.full_name;
  const auto known = store::find_pull_request(tx, repository, event.number);
  if (known && is_older(event, *known)) {
    done.outcome = fmt::format("nothing done: a newer event of pull request {} came before this one", event.number);
    return;
  }
  store::save_pull_request(tx, pull_row(event, known));
  store::void_other_approvals(tx, repository, event.number, event.head);
  const std::string ref = fmt::format("refs/pull/{}/head", event.number);
  if (event.action == PullAction::closed) {
    supersede(applying, repository, ref, std::nullopt, fmt::format("pull request {} was closed", event.number));
    done.outcome = fmt::format("pull request {} was closed: {} running jobs stopped", event.number, done.lost.size());
    return;
  }
  name_run(applying, pull_request_run(tx, event, ref), {done.delivery, "pull_request", ref, event.number});
  supersede(applying, repository, ref, done.run,
            fmt::format("superseded by a newer head of pull request {}", event.number));
}

void supersede(const Applying& applying, const std::string& repository, const std::string& ref,
               const std::optional<RunId>& keep, const std::string& reason) {
  for (const RunId& run : store::runs_named_by(applying.tx, repository, ref)) {
    if (run == keep) continue;
    const std::vector<store::Lease> lost = store::withdraw_triggers(applying.tx, run, ref, reason, applying.now_ms);
    applying.done.lost.insert(applying.done.lost.end(), lost.begin(), lost.end());
  }
}

void name_run(const Applying& applying, const store::NewRun& wanted, const store::Trigger& trigger) {
  Processed& done = applying.done;
  const store::NamedRun named = store::name_run(applying.tx, wanted, trigger, applying.now_ms, applying.random);
  const store::RunState state = store::find_run(applying.tx, named.id)->state;
  done.run = named.id;
  done.fetch = state == store::RunState::fetching;
  done.schedule = named.revived && state == store::RunState::running;
  const char* what = named.created ? "run made" : named.revived ? "run goes on" : "run was there";
  done.outcome = fmt::format("{}: {}{}", what, named.id.value, wanted.held ? " (held)" : "");
}

std::variant<store::Delivery, Refused> check_delivery(std::string_view secret, const WebhookHeaders& headers,
                                                      std::string body, std::int64_t now_ms) {
  if (!headers.event || !is_printable(*headers.event, kEventNameMax))
    return Refused{400, "the header X-GitHub-Event is missing or malformed"};
  if (!headers.delivery || !is_printable(*headers.delivery, kDeliveryIdMax))
    return Refused{400, "the header X-GitHub-Delivery is missing or malformed"};
  if (!headers.signature)
    return Refused{400, "the header X-Hub-Signature-256 is missing: set a secret in the webhook's settings"};
  if (!verify_signature(secret, body, *headers.signature))
    return Refused{401, "the signature does not fit body and secret: compare the secret in the webhook's settings"};
  if (!nlohmann::json::accept(body))
    return Refused{400, "the body is no JSON: set the webhook's content type to application/json"};
  return store::Delivery{DeliveryId{*headers.delivery}, *headers.event, std::move(body), now_ms};
}

Accepted accept_delivery(store::Tx& tx, const store::Delivery& delivery) {
  const bool is_new = store::insert_delivery(tx, delivery);
  return {is_new, store::find_delivery(tx, delivery.id).value()};
}

void store_ignored(store::Tx& tx, const store::Delivery& delivery, const std::string& reason) {
  const store::Delivery without_payload{delivery.id, delivery.event, "", delivery.received_ms};
  if (store::insert_delivery(tx, without_payload))
    store::finish_delivery(tx, delivery.id, std::string(store::kIgnored) + reason, std::nullopt, delivery.received_ms);
}

std::optional<Processed> process_next_delivery(store::Tx& tx, std::int64_t now_ms, Random& random) {
  const std::optional<store::Delivery> delivery = store::oldest_pending_delivery(tx);
  if (!delivery) return std::nullopt;
  Processed done;
  done.delivery = delivery->id;
  const Result<Webhook> webhook = parse_webhook(delivery->event, delivery->payload);
  if (webhook) {
    if (const RepositoryRef* seen = repository_of(*webhook))
      store::save_repository(
          tx, {seen->full_name, seen->clone_url, seen->default_branch, seen->installation, seen->is_private}, now_ms);
    const Applying applying{tx, now_ms, random, done};
    std::visit([&](const auto& event) { apply(applying, event); }, *webhook);
  } else {
    done.outcome = "nothing done: " + webhook.error().text();
  }
  store::finish_delivery(tx, done.delivery, done.outcome, done.run, now_ms);
  return done;
}

}  // namespace smgate::intake
