// What to send for a row of the outbox, and what its answer means for the row. Pure; any thread.
//
//   begin_next_call -> first_step -> (look -> after_look ->) request -> conclude -> finish_call | retry_call | give_up
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>

#include "server/github/answer.hpp"
#include "server/github/requests.hpp"
#include "server/store/deliveries.hpp"
#include "server/store/outbox.hpp"

namespace smgate::sender {

// A call that nothing answered well for so long is given up: GitHub keeps deliveries no longer, either.
inline constexpr std::int64_t kGiveUpAfter_ms = 3LL * 24 * 3'600'000;

struct Task {
  store::Call call;
  std::optional<store::Check> check;  // of its name and commit, as GitHub has it
  bool statuses = false;              // no App is set up: checks become commit statuses
};

struct Look {  // a read: whether an earlier attempt took effect
  github::Request request;
};
struct Act {
  github::Request request;
};
struct Finish {
  std::optional<store::Check> check{};
  std::optional<store::Delivery> told{};  // what intake is to be told
};
struct GiveUp {
  std::string error;
};
struct Again {
  store::CallRetry retry;
  bool forget_check = false;  // the check run is gone from GitHub: make another
};

using Step = std::variant<Look, Act, Finish, GiveUp>;
Step first_step(const Task& task);
// `seen`: what the look showed, all pages as one.
Step after_look(const Task& task, const nlohmann::json& seen);

using Conclusion = std::variant<Finish, GiveUp, Again>;
// looked: it was the look that was answered so, not the call itself.
Conclusion conclude(const Task& task, const github::Meaning& meaning, const github::Answer& answer, bool looked,
                    std::int64_t now_ms);

// The body with less in it, by the row's cut.
std::string cut_body(const std::string& body, store::BodyCut cut);

}  // namespace smgate::sender
