// What speaks to GitHub, as loops: the reporter makes calls of what has changed, the sender works off the outbox, the
// recovery looks for what webhooks did not tell. Made by the composition root from the configuration's `github`
// section; where that names neither an App nor a token, the outbox is emptied unsent, and the log says so once. Network
// thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "server/config.hpp"
#include "server/github/client.hpp"
#include "server/http/task_group.hpp"
#include "server/recovery/recovery.hpp"
#include "server/reporter/reporter.hpp"
#include "server/sender/sender.hpp"
#include "server/stage_loop.hpp"
#include "server/store/store.hpp"

namespace smgate {

class GithubStages {
 public:
  // `told` wakes intake: a webhook that never came is in its rows. Throws where the certificates to trust cannot be
  // read.
  GithubStages(boost::asio::any_io_executor executor, const Config& config, const Clock& clock, store::Store& store,
               std::function<void()> told);

  void start(http::TaskGroup& tasks);
  void wake_sender() { sender_loop_.wake(); }
  std::map<std::string, std::uint64_t> failures() const;  // by stage

 private:
  boost::asio::awaitable<bool> report();
  boost::asio::awaitable<bool> send();
  boost::asio::awaitable<bool> recover();

  const Clock& clock_;
  store::Store& store_;
  std::optional<github::Client> client_;
  std::optional<sender::Sender> sender_;
  std::optional<recovery::Recovery> recovery_;
  reporter::Config reporting_;
  StageLoop reporter_loop_;
  StageLoop sender_loop_;
  StageLoop recovery_loop_;
};

}  // namespace smgate
