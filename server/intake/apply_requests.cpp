// Merge groups, buttons, comments, installations.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

#include "server/intake/apply.hpp"
#include "server/store/actions.hpp"
#include "server/store/check_names.hpp"
#include "server/store/heads.hpp"
#include "server/store/outbox.hpp"
#include "server/store/repositories.hpp"

namespace smgate::intake {
namespace {

constexpr std::size_t kCommitPrefixMin = 7;       // what GitHub shows of a commit
constexpr std::int64_t kLookedAtMin_ms = 60'000;  // a younger head may not be the one that the writer has seen

void take(const Applying& applying, const RunId& run, const store::ActionResult& result) {
  Processed& done = applying.done;
  if (result.done) done.run = run;
  done.outcome = (result.done ? "" : "nothing done: ") + result.text;
  done.fetch = done.fetch || result.fetch;
  done.schedule = done.schedule || result.schedule;
  done.lost.insert(done.lost.end(), result.lost.begin(), result.lost.end());
}

// Every run that the commit's checks may show; where nothing names one any more, the one that they do show.
std::vector<store::Run> runs_to_repeat(store::ReadTx& tx, const std::string& repository, const CommitSha& head) {
  const std::vector<store::HeadRun> all = store::runs_of_head(tx, repository, head);
  std::vector<store::Run> runs;
  for (const store::HeadRun& one : all)
    if (one.wanted) runs.push_back(one.run);
  if (runs.empty() && !all.empty()) runs.push_back(store::deciding_run(all).value());
  return runs;
}

void repeat(const Applying& applying, const std::string& repository, const CommitSha& head,
            const std::optional<Arch>& arch, const std::string& actor) {
  const std::vector<store::Run> runs = runs_to_repeat(applying.tx, repository, head);
  if (runs.empty()) applying.done.outcome = "nothing done: there is no run of the commit " + head.value;
  for (const store::Run& run : runs)
    take(applying, run.id,
         arch ? store::rerun_job(applying.tx, run.id, *arch, actor, applying.now_ms)
              : store::rerun_run(applying.tx, run.id, actor, applying.now_ms));
}

// Who owns the fork cannot let it run, whatever else the owner may do here.
bool is_own_fork(store::ReadTx& tx, const store::Run& run, const std::string& actor) {
  if (!run.pull_request) return false;
  const auto pull = store::find_pull_request(tx, run.repository, *run.pull_request);
  return pull && pull->head_repository != run.repository && pull->head_repository.starts_with(actor + "/");
}

void approve(const Applying& applying, const std::string& repository, const CommitSha& head, const std::string& actor) {
  bool held = false;
  for (const store::HeadRun& one : store::runs_of_head(applying.tx, repository, head)) {
    if (one.run.state != store::RunState::held) continue;
    held = true;
    if (is_own_fork(applying.tx, one.run, actor))
      applying.done.outcome = "nothing done: " + actor + " owns the fork and cannot approve its head";
    else
      take(applying, one.run.id, store::approve_run(applying.tx, one.run.id, head, actor, applying.now_ms));
  }
  if (!held) applying.done.outcome = "nothing done: no held run of the commit " + head.value;
}

// Who it leaves out may not write, and GitHub need not be asked. A member or collaborator may have read access alone.
bool may_command(const std::string& association) {
  constexpr std::array<std::string_view, 3> kAllowed = {"OWNER", "MEMBER", "COLLABORATOR"};
  return std::find(kAllowed.begin(), kAllowed.end(), association) != kAllowed.end();
}

// Why this approval may not be of the head that is there now; empty where it is.
std::string why_another_head(const CommentCommand& comment, const store::PullRequest& pull) {
  const std::string& prefix = comment.commit_prefix;
  if (prefix.empty()) {
    if (pull.updated_ms + kLookedAtMin_ms <= comment.created_ms) return "";
    return fmt::format("the head is younger than a minute: write `/smgate approve {}` if it is the one you looked at",
                       pull.head.value.substr(0, kCommitPrefixMin));
  }
  if (prefix.size() >= kCommitPrefixMin && pull.head.value.starts_with(prefix)) return "";
  return fmt::format("the head is {}, not {}", pull.head.value, prefix);
}

bool may_write(const std::string& permission) { return permission == "admin" || permission == "write"; }

std::string why_not(const std::string& actor, const std::string& permission) {
  return fmt::format("nothing done: {} may not write to the repository (GitHub says: {})", actor, permission);
}

void obey(const Applying& applying, const CommentCommand& comment, const store::PullRequest& pull) {
  const std::string& repository = comment.repository.full_name;
  if (comment.command == CommentCommand::Command::explain) {
    store::ask_for_explanation(applying.tx,
                               {applying.done.delivery, repository, pull.number, pull.head, comment.actor});
    applying.done.outcome = fmt::format("the checks of {} are explained to {}", pull.head.value, comment.actor);
  } else if (comment.command == CommentCommand::Command::rerun) {
    repeat(applying, repository, pull.head, std::nullopt, comment.actor);
  } else if (std::string why = why_another_head(comment, pull); !why.empty()) {
    applying.done.outcome = "nothing done: " + why;
  } else {
    approve(applying, repository, pull.head, comment.actor);
  }
}

}  // namespace

void apply(const Applying& applying, const MergeGroup& group) {
  const std::string& repository = group.repository.full_name;
  if (group.destroyed) {
    store::close_merge_group(applying.tx, repository, group.head, group.ref);
    supersede(applying, repository, group.ref, std::nullopt, "its merge group is gone: " + group.why);
    applying.done.outcome =
        fmt::format("merge group {}: {} running jobs stopped", group.why, applying.done.lost.size());
    return;
  }
  if (!store::open_merge_group(applying.tx, repository, group.head, group.ref)) {
    applying.done.outcome = "nothing done: the merge group is gone already";
    return;
  }
  store::NewRun wanted;
  wanted.repository = repository;
  wanted.head_sha = group.head;
  wanted.base_sha = group.base;
  wanted.base_rule = store::BaseRule::exact;
  wanted.ref = group.ref;
  wanted.branch =
      group.ref.starts_with("refs/heads/") ? group.ref.substr(std::string("refs/heads/").size()) : group.ref;
  name_run(applying, wanted, {applying.done.delivery, "merge_group", group.ref, std::nullopt});
}

void apply(const Applying& applying, const CheckRequest& request) {
  const std::optional<Arch> arch = store::arch_of_check(request.check);
  if (!request.check.empty() && request.check != store::kGateCheck && !arch)
    applying.done.outcome = "nothing done: the check " + request.check + " is not one of smgate's";
  else if (request.wish == CheckRequest::Wish::approve && request.permission.empty())
    ask_permission(applying, request);
  else if (request.wish == CheckRequest::Wish::approve && !may_write(request.permission))
    applying.done.outcome = why_not(request.actor, request.permission);
  else if (request.wish == CheckRequest::Wish::approve)
    approve(applying, request.repository.full_name, request.head, request.actor);
  else
    repeat(applying, request.repository.full_name, request.head, arch, request.actor);
}

void apply(const Applying& applying, const CommentCommand& comment) {
  const auto pull = store::find_pull_request(applying.tx, comment.repository.full_name, comment.pull_request);
  if (!may_command(comment.association))
    applying.done.outcome =
        fmt::format("nothing done: {} is no owner, member or collaborator ({})", comment.actor, comment.association);
  else if (!pull)
    applying.done.outcome = fmt::format("nothing done: pull request {} is not known yet", comment.pull_request);
  else if (comment.created_ms < pull->updated_ms && comment.command == CommentCommand::Command::rerun)
    applying.done.outcome = "nothing done: the pull request has changed since the comment was written";
  else if (comment.permission.empty())
    ask_permission(applying, comment);
  else if (!may_write(comment.permission))
    applying.done.outcome = why_not(comment.actor, comment.permission);
  else
    obey(applying, comment, *pull);
}

void apply(const Applying& applying, const InstallationChange& change) {
  std::int64_t rows = 0;
  for (const std::string& name : change.added) {
    rows += store::set_installation(applying.tx, name, change.installation) ? 1 : 0;
    store::revive_calls(applying.tx, name, applying.now_ms);
  }
  // GitHub names none of them when an installation goes on after it was suspended.
  if (change.action == "unsuspend" && change.added.empty())
    store::revive_calls(applying.tx, std::nullopt, applying.now_ms);
  for (const std::string& name : change.removed)
    rows += store::set_installation(applying.tx, name, std::nullopt) ? 1 : 0;
  if (change.whole) rows += store::remove_installation(applying.tx, change.installation);
  applying.done.outcome =
      fmt::format("installation {} {}: {} known repositories changed", change.installation, change.action, rows);
}

void apply(const Applying& applying, const Ignored& ignored) { applying.done.outcome = ignored.reason; }

}  // namespace smgate::intake
