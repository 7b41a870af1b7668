#include "server/github/client.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace smgate::github {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using nlohmann::json;

bool is_redirect(unsigned status) { return status == 301 || status == 302 || status == 307 || status == 308; }

Effect effect_of(const std::string& method) { return method == "GET" ? Effect::read : Effect::write; }

Fields headers_of(const Request& request, const Secret& token) {
  Fields headers{
      {"accept", "application/vnd.github+json"}, {"user-agent", "smgate"}, {"x-github-api-version", "2022-11-28"}};
  if (!request.body.empty()) headers.emplace("content-type", "application/json");
  if (!token.empty()) headers.emplace("authorization", "Bearer " + token.reveal());
  return headers;
}

std::string text_in(const json& body, const char* field) {
  if (!body.is_object()) return "";
  const auto found = body.find(field);
  return found != body.end() && found->is_string() ? found->get<std::string>() : "";
}

Retry not_understood(std::int64_t now_ms, int attempts) {
  return {now_ms + back_off_ms(attempts), "GitHub's answer is not what its API describes", false, false};
}

NoToken no_token(const Meaning& meaning, const std::string& repository) {
  const auto* later = std::get_if<Retry>(&meaning);
  const std::string why = std::visit(
      [](const auto& what) -> std::string {
        if constexpr (requires { what.error; }) return what.error;
        return "GitHub gave none";
      },
      meaning);
  const std::string next = later != nullptr ? "" : "install the GitHub App for it, with the permission contents: read";
  return {{"GitHub gave no token to read the repository with: " + why, repository, next},
          later != nullptr ? later->at_ms : 0,
          later == nullptr};
}

}  // namespace

Client::Client(Settings settings, const Clock& clock, Transport transport)
    : settings_(std::move(settings)), clock_(clock), transport_(std::move(transport)) {}

Url Client::url_of(const Request& request) const {
  Url url = settings_.api;
  if (url.target == "/") url.target.clear();
  url.target += request.path;
  return url;
}

awaitable<Outcome> Client::send(Request request, Target target, int attempts) {
  const Url url = url_of(request);
  co_return co_await send_to(url, std::move(request), std::move(target), attempts);
}

awaitable<Outcome> Client::send_to(Url url, Request request, Target target, int attempts) {
  const Authority token = co_await authority(request.as, target, attempts);
  if (const auto* none = std::get_if<Outcome>(&token)) co_return *none;
  const Effect effect = effect_of(request.method);
  // Others ask at the same time, and the token may just have been made by a write of its own.
  if (const std::int64_t allowed_ms = rate_.allowed_ms(effect); allowed_ms > clock_.now_ms())
    co_return Outcome{Retry{allowed_ms, "GitHub's limits leave no request now", false, true}, {}};
  rate_.sent(effect, clock_.now_ms());
  Outcome outcome = judge(co_await follow(url, request, std::get<Secret>(token)), attempts);
  const auto* renew = std::get_if<Renew>(&outcome.meaning);
  if (renew == nullptr) co_return outcome;
  forget_token(request.as, target);
  // With another token as soon as may be; what is refused with that one as well is no matter of the token's age.
  const std::int64_t wait_ms = attempts > 1 ? back_off_ms(attempts) : kBetweenWrites_ms;
  co_return Outcome{Retry{clock_.now_ms() + wait_ms, renew->error, false, false}, {}};
}

Outcome Client::judge(const Exchanged& exchanged, int attempts) {
  const std::int64_t now_ms = clock_.now_ms();
  if (const auto* none = std::get_if<NoAnswer>(&exchanged))
    return {cut_off(none->what, none->sent, attempts, now_ms), {}};
  const auto& answer = std::get<Answer>(exchanged);
  // A limit is no call's own attempt, but each in a row that names no time is waited for twice as long.
  Outcome outcome{classify(answer, attempts + limits_in_a_row_, now_ms), answer};
  const auto* retry = std::get_if<Retry>(&outcome.meaning);
  const bool limited = retry != nullptr && retry->limited;
  limits_in_a_row_ = limited ? limits_in_a_row_ + 1 : 0;
  if (limited) rate_.pause_until(retry->at_ms);
  return outcome;
}

// Redirects keep the method and the body, as GitHub asks for; another host gets no token.
awaitable<Exchanged> Client::follow(Url url, const Request& request, const Secret& token) {
  const Url origin = url;
  for (int hop = 0;; ++hop) {
    Exchange exchange{request.method, url, headers_of(request, url.same_origin(origin) ? token : Secret()),
                      request.body};
    const std::string key = std::to_string(std::hash<std::string>{}(token.reveal())) + " " + url.host + url.target;
    const bool tags = request.method == "GET" && request.as != As::app;  // the App's own token is another each time
    // Kept here: others ask meanwhile, and may clear what is remembered.
    std::optional<Tagged> known;
    if (const auto tagged = tags ? tags_.find(key) : tags_.end(); tagged != tags_.end()) known = tagged->second;
    if (known) exchange.headers.emplace("if-none-match", known->etag);
    const Exchanged exchanged = co_await transport_(std::move(exchange));
    const auto* answer = std::get_if<Answer>(&exchanged);
    if (answer == nullptr) co_return exchanged;
    if (answer->status == 304 && known) co_return known->answer;
    const auto etag = answer->headers.find("etag");
    if (tags && answer->status == 200 && etag != answer->headers.end() && answer->body.size() <= kTaggedBytesMax) {
      if (tags_.size() >= kTagsMax) tags_.clear();  // they come back with the next round of reads
      tags_.insert_or_assign(key, Tagged{etag->second, *answer});
    }
    const auto location = answer->headers.find("location");
    if (!is_redirect(answer->status) || location == answer->headers.end() || hop >= kRedirectsMax) co_return exchanged;
    const std::optional<Url> next = resolve(url, location->second);
    if (!next || (origin.tls && !next->tls)) co_return exchanged;
    url = *next;
  }
}

awaitable<Meaning> Client::each_page(Request request, Target target, int pages_max, OnPage more, int attempts) {
  std::optional<Url> url = url_of(request);
  for (int page = 0; url && page < pages_max; ++page) {
    Outcome outcome = co_await send_to(*url, request, target, attempts);
    if (!std::holds_alternative<Done>(outcome.meaning)) co_return std::move(outcome.meaning);
    json body = json::parse(outcome.answer.body, nullptr, false);
    if (body.is_discarded()) co_return not_understood(clock_.now_ms(), attempts);
    if (!more(std::move(body))) break;
    const auto link = outcome.answer.headers.find("link");
    const auto next = link == outcome.answer.headers.end() ? std::nullopt : link_of(link->second, "next");
    url = next ? resolve(*url, *next) : std::nullopt;
    if (url && !url->same_origin(settings_.api)) url.reset();
  }
  co_return Done{};
}

awaitable<Client::Authority> Client::authority(As as, Target target, int attempts) {
  if (const auto* token = std::get_if<Secret>(&settings_.identity)) co_return *token;
  const auto& app = std::get<AppIdentity>(settings_.identity);
  if (as == As::app) co_return app.key.sign(app.client_id, clock_.now_ms());
  const auto installation = co_await installation_of(target, attempts);
  if (const auto* none = std::get_if<Outcome>(&installation)) co_return *none;
  const std::int64_t id = std::get<std::int64_t>(installation);
  if (const auto known = tokens_.find(id);
      known != tokens_.end() && known->second.expires_ms - kRenewBefore_ms > clock_.now_ms())
    co_return known->second.secret;
  Request request = create_installation_token(id);
  const auto minted = co_await mint(std::move(request), attempts);
  if (const auto* none = std::get_if<Outcome>(&minted)) co_return *none;
  const Token token = std::get<Token>(minted);
  tokens_.insert_or_assign(id, token);
  co_return token.secret;
}

awaitable<std::variant<std::int64_t, Outcome>> Client::installation_of(Target target, int attempts) {
  if (target.installation) co_return *target.installation;
  if (const auto known = installations_.find(target.repository); known != installations_.end()) co_return known->second;
  Request request = find_installation(target.repository);
  const Target nobody;
  Outcome outcome = co_await send(std::move(request), nobody, attempts);
  if (!std::holds_alternative<Done>(outcome.meaning)) co_return outcome;
  const json body = json::parse(outcome.answer.body, nullptr, false);
  if (!body.is_object() || !body.contains("id") || !body["id"].is_number_integer())
    co_return Outcome{not_understood(clock_.now_ms(), attempts), {}};
  const auto id = body["id"].get<std::int64_t>();
  installations_.insert_or_assign(target.repository, id);
  co_return id;
}

awaitable<std::variant<Token, Outcome>> Client::mint(Request request, int attempts) {
  const Target nobody;
  Outcome outcome = co_await send(std::move(request), nobody, attempts);
  if (!std::holds_alternative<Done>(outcome.meaning)) co_return outcome;
  const json body = json::parse(outcome.answer.body, nullptr, false);
  const Secret secret(text_in(body, "token"));
  const auto expires_ms = parse_utc_ms(text_in(body, "expires_at"));
  if (secret.empty() || !expires_ms) co_return Outcome{not_understood(clock_.now_ms(), attempts), {}};
  co_return Token{secret, *expires_ms};
}

void Client::forget_token(As as, const Target& target) {
  if (as == As::app) return;
  const auto asked = installations_.find(target.repository);
  const auto installation = target.installation             ? target.installation
                            : asked == installations_.end() ? std::nullopt
                                                            : std::optional(asked->second);
  if (installation) tokens_.erase(*installation);
  installations_.erase(target.repository);
}

awaitable<std::variant<Token, NoToken>> Client::contents_token(Target target) {
  if (const auto* token = std::get_if<Secret>(&settings_.identity))
    co_return Token{*token, std::numeric_limits<std::int64_t>::max()};
  // What was asked for counts more than what a webhook said once: the App may have been installed anew since.
  const auto known = installations_.find(target.repository);
  const std::optional<std::int64_t> stated = known == installations_.end() ? target.installation : std::nullopt;
  const Target best{target.repository, stated};
  const auto installation = co_await installation_of(best, 1);
  if (const auto* none = std::get_if<Outcome>(&installation)) co_return no_token(none->meaning, target.repository);
  Request request = create_contents_token(std::get<std::int64_t>(installation), target.repository);
  const auto minted = co_await mint(std::move(request), 1);
  if (const auto* token = std::get_if<Token>(&minted)) co_return *token;
  const Meaning& why = std::get<Outcome>(minted).meaning;
  installations_.erase(target.repository);
  if (std::holds_alternative<Retry>(why) || !stated) co_return no_token(why, target.repository);
  const Target anew{target.repository, std::nullopt};
  const auto asked = co_await installation_of(anew, 1);
  if (const auto* none = std::get_if<Outcome>(&asked)) co_return no_token(none->meaning, target.repository);
  if (std::get<std::int64_t>(asked) == *stated) {
    installations_.erase(target.repository);
    co_return no_token(why, target.repository);
  }
  const Retry next{rate_.earliest_ms(Effect::write), "the App is installed anew", false, true};
  co_return no_token(next, target.repository);
}

}  // namespace smgate::github
