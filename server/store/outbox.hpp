// Calls to GitHub: enqueued by whoever decides, in the transaction of the decision; sent by the sender, one at a time.
// Bodies are JSON texts:
//
//   set_check        the wanted state of a check run: `name`, `head_sha`, `external_id`, `status`, `conclusion`,
//                    `details_url`, `started_at`, `completed_at`, `output` {`title`, `summary`, `text`}, `actions`, as
//                    POST /repos/{owner}/{repo}/check-runs takes them. The sender creates the check run, or updates the
//                    one of this name, commit and external_id: whoever decides need not know. Another external_id is
//                    another check run, so a re-run that shall begin a new one gives a new one.
//   add_annotations  `name`, `head_sha`, `external_id` and `output` {`title`, `summary`, `text`, `annotations`: at most
//                    50}: GitHub appends them. In the lane of its set_check, after the one that completes it.
//   create_comment   `issue_number`, `body`
//   ask_permission   `login`, `event`, `payload`: may this person write? The answer goes to intake as a delivery
//                    of this event and payload, with the permission in it
//   redeliver        `delivery_id`, GitHub's number of a webhook delivery
//
// Coalescing: a set_check that nobody began to send is superseded by the next one of its lane and external_id. Nothing
// else is. So a lane never has more than the call under way and the newest wish, however long an outage lasts.
//
// A call that was begun is `unsure` until its end is recorded: after a crash or a cut connection the sender first looks
// whether it took effect (check runs by external_id, comments by a mark, annotations by their count).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/tx.hpp"

namespace smgate::store {

enum class CallKind { set_check, add_annotations, create_comment, ask_permission, redeliver };
enum class CallState { pending, sent, superseded, dead };
enum class BodyCut { whole, short_output, bare };  // what is left of the body after answers of 422

std::string_view to_string(CallKind kind);
std::string_view to_string(CallState state);
std::optional<CallState> parse_call_state(std::string_view text);

struct OutboundCall {
  std::string lane;  // check_lane() for checks
  CallKind kind = CallKind::set_check;
  std::string repository;
  std::string external_id;  // also of comments: one that is there already is not written again
  std::string body;         // JSON
  std::optional<RunId> run;
  std::optional<JobId> job;
};

struct Call : OutboundCall {
  std::int64_t seq = 0;
  std::optional<std::int64_t> installation;  // of the repository, as it is now
  CallState state = CallState::pending;
  int attempts = 0;     // this one included
  bool unsure = false;  // an earlier attempt may have taken effect
  BodyCut cut = BodyCut::whole;
  std::int64_t next_ms = 0;
  std::string last_error;
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> ended_ms;
};

// "check/<repository>/<head_sha>/<name>"
std::string check_lane(const std::string& repository, const CommitSha& head, const std::string& name);

std::int64_t enqueue_call(Tx& tx, const OutboundCall& call, std::int64_t now_ms);

// --- for the sender
// The call due first whose lane waits for nothing; it is begun with this transaction (attempts, unsure).
std::optional<Call> begin_next_call(Tx& tx, std::int64_t now_ms);
// When the next one is due; absent where none is pending.
std::optional<std::int64_t> next_call_due_ms(ReadTx& tx);

// When calls took effect, oldest first; the newest `count_max` of them.
std::vector<std::int64_t> calls_sent_since(ReadTx& tx, std::int64_t since_ms, std::size_t count_max);

// A check as GitHub has it.
struct Check {
  std::string repository;
  CommitSha head;
  std::string name;
  std::string external_id;
  std::int64_t check_run_id = 0;
  std::string status;
  std::string conclusion;
  std::int64_t annotations = 0;
};
std::optional<Check> find_check(ReadTx& tx, const std::string& repository, const CommitSha& head,
                                const std::string& name);
std::vector<Check> checks_of_commit(ReadTx& tx, const std::string& repository, const CommitSha& head);

// GitHub has it no more: the next set_check makes another.
void forget_check(Tx& tx, const Check& check);

// It took effect; `check` is what it made of a check.
void finish_call(Tx& tx, std::int64_t seq, const std::optional<Check>& check, std::int64_t now_ms);
struct CallRetry {
  std::int64_t next_ms = 0;
  std::string error;
  bool unsure = false;
  BodyCut cut = BodyCut::whole;
  bool counts = true;  // false: it was not the call's fault (rate limit, token), the attempt is given back
};
void retry_call(Tx& tx, std::int64_t seq, const CallRetry& retry);
// What was given up is tried again where nothing newer has taken its place: the App may see the repository again.
// Without one: all that it may see.
void revive_calls(Tx& tx, const std::optional<std::string>& repository, std::int64_t now_ms);
// It will never take effect; the lane goes on without it.
void give_up_call(Tx& tx, std::int64_t seq, const std::string& error, std::int64_t now_ms);

// --- for the API and /metrics
struct CallFilter {
  std::optional<CallState> state;
  std::optional<std::string> repository;
  std::optional<RunId> run;
};
// Newest first; `before` is the seq of the last one of the page before.
std::vector<Call> list_calls(ReadTx& tx, const CallFilter& filter, std::optional<std::int64_t> before,
                             std::size_t count_max);
struct CallCounts {
  std::int64_t pending = 0;
  std::int64_t dead = 0;
  std::optional<std::int64_t> oldest_pending_ms;
};
CallCounts count_calls(ReadTx& tx);
// Deletes calls that ended before this; how many.
std::int64_t forget_calls(Tx& tx, std::int64_t before_ms, std::int64_t count_max);

}  // namespace smgate::store
