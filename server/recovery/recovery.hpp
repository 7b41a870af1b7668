// The stage that makes up for webhooks that never came: at start and then after each period it lists the hook's
// deliveries and asks for the failed ones again, and holds open pull requests and merge groups of each repository
// against what webhooks have told. Owned by the composition root; network thread, one step at a time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "server/github/client.hpp"
#include "server/recovery/recovery_steps.hpp"
#include "server/store/store.hpp"

namespace smgate::recovery {

// 30,000 deliveries, in three days of all repositories together; what is older waits for the next round to be missed.
inline constexpr int kDeliveryPagesMax = 300;
inline constexpr int kPullPagesMax = 30;  // 3000 open pull requests
inline constexpr int kGroupPagesMax = 10;
inline constexpr std::size_t kClosedLooksMax = 10;  // a repository and round; the others are looked at in the next
inline constexpr int kTriesMax = 5;                 // of one task; then the round goes on without it

class Recovery {
 public:
  struct Settings {
    std::vector<std::string> repositories;  // owner/name
    std::int64_t period_ms = 0;             // from one round's begin to the next
  };
  // `told` is called when deliveries for intake were written, `asked` when calls were enqueued.
  Recovery(store::Store& store, github::Client& client, const Clock& clock, Settings settings,
           std::function<void()> told, std::function<void()> asked);

  // The next task of the round, if one is due and the limits allow it; true: there may be more.
  boost::asio::awaitable<bool> step();

 private:
  boost::asio::awaitable<github::Meaning> ask_for_lost_deliveries();
  boost::asio::awaitable<github::Meaning> reconcile(std::string repository);
  boost::asio::awaitable<github::Meaning> look_at_unlisted(github::Target target, std::vector<std::int64_t> numbers);
  void go_on(const github::Meaning& meaning, const std::string& task);
  void tell(int count, const std::string& repository);

  store::Store& store_;
  github::Client& client_;
  const Clock& clock_;
  const Settings settings_;
  const std::function<void()> told_;
  const std::function<void()> asked_;
  std::size_t next_ = 0;  // 0: deliveries; else a repository
  int tries_ = 0;
  std::int64_t due_ms_ = 0;
  std::int64_t began_ms_ = 0;
};

}  // namespace smgate::recovery
