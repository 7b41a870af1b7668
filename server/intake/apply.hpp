// What each event does to the rows, within the transaction that ends its delivery. For intake.cpp alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "server/intake/intake.hpp"
#include "server/intake/webhook.hpp"

namespace smgate::intake {

struct Applying {
  store::Tx& tx;
  std::int64_t now_ms;
  Random& random;
  Processed& done;
};

// Makes the run or joins the one that is there, and notes what became of it.
void name_run(const Applying& applying, const store::NewRun& wanted, const store::Trigger& trigger);
// Withdraws what this ref named before, but for `keep`, and notes which runners are to stop.
void supersede(const Applying& applying, const std::string& repository, const std::string& ref,
               const std::optional<RunId>& keep, const std::string& reason);

// GitHub is asked whether the actor may write; its answer is a delivery of the same wish, with the permission in it.
void ask_permission(const Applying& applying, const CheckRequest& request);
void ask_permission(const Applying& applying, const CommentCommand& comment);

void apply(const Applying& applying, const Push& push);
void apply(const Applying& applying, const PullRequestEvent& event);
void apply(const Applying& applying, const MergeGroup& group);
void apply(const Applying& applying, const CheckRequest& request);
void apply(const Applying& applying, const CommentCommand& comment);
void apply(const Applying& applying, const InstallationChange& change);
void apply(const Applying& applying, const Ignored& ignored);

}  // namespace smgate::intake
