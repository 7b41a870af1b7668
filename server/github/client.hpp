// GitHub's API for the rest of the server: who we are (JWT, tokens cached, renewed before they expire and when they are
// refused), where requests go (base URL, redirects, pages), when (rate plan), and what an answer means. Owned by the
// composition root; network thread.
//
// A token goes to the configured server alone: a redirect or a page on another host is followed without it, or not at
// all. No token is in a log, an error or a row.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>

#include "common/clock.hpp"
#include "server/github/exchange.hpp"
#include "server/github/jwt.hpp"
#include "server/github/rate_plan.hpp"
#include "server/github/requests.hpp"
#include "server/github/secret.hpp"

namespace smgate::github {

struct AppIdentity {
  std::string client_id;
  AppKey key;
};
struct Settings {
  Url api;                                     // https://api.github.com, or https://HOST/api/v3
  std::variant<AppIdentity, Secret> identity;  // the App, or a personal token in its stead
};

inline constexpr int kRedirectsMax = 5;
inline constexpr std::int64_t kRenewBefore_ms = 300'000;     // a token of an hour is renewed when 5 minutes are left
inline constexpr std::size_t kTagsMax = 256;                 // conditional requests remembered
inline constexpr std::size_t kTaggedBytesMax = 256U << 10U;  // larger answers are not kept

struct Target {
  std::string repository;                    // empty: none, as for the App's own calls
  std::optional<std::int64_t> installation;  // absent: asked for
};
struct Token {
  Secret secret;
  std::int64_t expires_ms = 0;
};
// Why there is none, and when it is worth while to ask again.
struct NoToken {
  Error error;
  std::int64_t retry_ms = 0;
  bool refused = false;  // GitHub has answered: the App may not read it, or there is no such repository
};
struct Outcome {
  Meaning meaning;  // never Renew
  Answer answer;    // of Done, and of refusals
};

using OnPage = std::function<bool(nlohmann::json page)>;  // false: enough

class Client {
 public:
  Client(Settings settings, const Clock& clock, Transport transport);

  bool is_app() const { return std::holds_alternative<AppIdentity>(settings_.identity); }

  // `attempts`: of this call, this one included; decides how long the next one waits.
  boost::asio::awaitable<Outcome> send(Request request, Target target, int attempts);
  // A GET and what its Link headers name next, at most so many pages, each handed over as it comes until `more` says
  // that it is enough.
  boost::asio::awaitable<Meaning> each_page(Request request, Target target, int pages_max, OnPage more,
                                            int attempts = 1);
  // For git: reads the contents of this repository alone, for an hour, another one each time. A personal token is what
  // it is, and does not expire.
  boost::asio::awaitable<std::variant<Token, NoToken>> contents_token(Target target);

  // Nothing is to be sent before this; see RatePlan.
  std::int64_t earliest_ms(Effect effect) const { return rate_.earliest_ms(effect); }
  // Of an earlier process, oldest first: GitHub's hour does not begin anew with ours.
  void remember_write(std::int64_t at_ms) { rate_.sent(Effect::write, at_ms); }

 private:
  struct Tagged {
    std::string etag;
    Answer answer;
  };
  using Authority = std::variant<Secret, Outcome>;  // the token, or why there is none

  boost::asio::awaitable<Outcome> send_to(Url url, Request request, Target target, int attempts);
  boost::asio::awaitable<Authority> authority(As as, Target target, int attempts);
  boost::asio::awaitable<std::variant<std::int64_t, Outcome>> installation_of(Target target, int attempts);
  boost::asio::awaitable<std::variant<Token, Outcome>> mint(Request request, int attempts);
  boost::asio::awaitable<Exchanged> follow(Url url, const Request& request, const Secret& token);
  void forget_token(As as, const Target& target);
  Outcome judge(const Exchanged& exchanged, int attempts);
  Url url_of(const Request& request) const;

  const Settings settings_;
  const Clock& clock_;
  const Transport transport_;
  RatePlan rate_;
  int limits_in_a_row_ = 0;                            // answers about a limit since the last one that was not
  std::map<std::int64_t, Token> tokens_;               // by installation
  std::map<std::string, std::int64_t> installations_;  // by repository, where they had to be asked for
  std::map<std::string, Tagged> tags_;                 // by URL
};

}  // namespace smgate::github
