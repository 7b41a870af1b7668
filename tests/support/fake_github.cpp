#include "tests/support/fake_github.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "common/base64.hpp"

namespace smgate::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using nlohmann::json;

constexpr std::int64_t kTokenLife_ms = 3'600'000;
constexpr std::size_t kPage = 2;  // small, so that pages matter

std::string unbase64url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  return base64_decode(text).value_or("");
}

bool verifies(EVP_PKEY* key, const std::string& text, const std::string& signature) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool good =
      EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key) == 1 &&
      EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
  EVP_MD_CTX_free(context);
  return good;
}

std::vector<std::string> steps_of(const std::string& path) {
  std::vector<std::string> steps;
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    steps.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return steps;
}

std::size_t page_of(const std::string& query) {
  const std::size_t at = ("&" + query).find("&page=");
  return at == std::string::npos ? 1 : std::stoul(query.substr(at + 5));
}

}  // namespace

struct FakeGitHub::Socket {
  asio::io_context io;
  tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
  EVP_PKEY* key = EVP_RSA_gen(2048);
  ~Socket() { EVP_PKEY_free(key); }
};

FakeGitHub::FakeGitHub(const Clock& clock)
    : clock_(clock), socket_(std::make_unique<Socket>()), port_(socket_->acceptor.local_endpoint().port()) {
  thread_ = std::thread([this] { serve(); });
}

FakeGitHub::~FakeGitHub() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  asio::io_context io;  // a last connection wakes the thread
  tcp::socket last(io);
  boost::system::error_code ignored;
  last.connect({asio::ip::address_v4::loopback(), port_}, ignored);
  last.close(ignored);
  thread_.join();
}

std::string FakeGitHub::private_key() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, socket_->key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

void FakeGitHub::fail_next(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}
void FakeGitHub::refuse_tokens() {
  const std::lock_guard lock(mutex_);
  tokens_.clear();
}
void FakeGitHub::delete_check_runs() {
  const std::lock_guard lock(mutex_);
  check_runs_.clear();
}
std::vector<json> FakeGitHub::check_runs() {
  const std::lock_guard lock(mutex_);
  return check_runs_;
}
std::vector<json> FakeGitHub::comments() {
  const std::lock_guard lock(mutex_);
  return comments_;
}
std::vector<json> FakeGitHub::statuses() {
  const std::lock_guard lock(mutex_);
  return statuses_;
}
std::vector<Seen> FakeGitHub::seen() {
  const std::lock_guard lock(mutex_);
  return seen_;
}
std::vector<std::string> FakeGitHub::mistakes() {
  const std::lock_guard lock(mutex_);
  return mistakes_;
}

void FakeGitHub::serve() {
  for (;;) {
    serve_one();
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
}

void FakeGitHub::serve_one() {
  tcp::socket socket = socket_->acceptor.accept();
  boost::beast::flat_buffer buffer;
  http::request_parser<http::string_body> parser;
  boost::system::error_code error;
  http::read(socket, buffer, parser, error);
  if (error) return;
  const auto& request = parser.get();
  Seen seen{std::string(request.method_string()), std::string(request.target()),
            std::string(request[http::field::authorization]), request.body(), 0};
  Reply reply;
  {
    const std::lock_guard lock(mutex_);
    reply = reply_to(seen);
    seen.status = reply.status;
    seen_.push_back(seen);
  }
  if (reply.status == 0) return;  // cut
  http::response<http::string_body> response(static_cast<http::status>(reply.status), 11);
  response.set(http::field::content_type, "application/json");
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  response.body() = reply.body.is_string() ? reply.body.get<std::string>() : reply.body.dump();
  response.prepare_payload();
  http::write(socket, response, error);
}

FakeGitHub::Reply FakeGitHub::reply_to(const Seen& request) {
  const std::size_t mark = std::min(request.path.find('?'), request.path.size());
  const std::string query = mark < request.path.size() ? request.path.substr(mark + 1) : "";
  const std::vector<std::string> path = steps_of(request.path.substr(0, mark));
  const bool about_tokens = path.back() == "access_tokens" || path.back() == "installation";
  if (const std::string wrong = api_.mistakes(request.method, request.path, request.body); !wrong.empty())
    mistakes_.push_back(wrong);
  if (path.front() == "app" || path.back() == "installation") {
    if (!is_app(request.authorization)) return {401, {{"message", "A JSON web token could not be decoded"}}, {}};
  } else if (!is_installation(request.authorization)) {
    return {401, {{"message", "Bad credentials"}}, {}};
  }
  if (about_tokens || faults_.empty()) return route(request, path, query);
  const Fault fault = faults_.front();
  faults_.pop_front();
  if (fault.kind == Fault::Kind::cut_after) route(request, path, query);
  if (fault.kind != Fault::Kind::answer) return {0, {}, {}};
  return {fault.status, fault.body, fault.headers};
}

bool FakeGitHub::is_app(const std::string& authorization) const {
  const std::string jwt = authorization.rfind("Bearer ", 0) == 0 ? authorization.substr(7) : "";
  const std::size_t dot = jwt.find('.');
  const std::size_t last = jwt.rfind('.');
  if (dot == std::string::npos || dot == last) return false;
  const json claims = json::parse(unbase64url(jwt.substr(dot + 1, last - dot - 1)), nullptr, false);
  if (!claims.is_object() || claims["iss"] != "Iv1.fake") return false;
  const std::int64_t now_s = clock_.now_ms() / 1000;
  const auto issued = claims["iat"].get<std::int64_t>();
  const auto expires = claims["exp"].get<std::int64_t>();
  return issued <= now_s && expires > now_s && expires <= now_s + 600 &&
         verifies(socket_->key, jwt.substr(0, last), unbase64url(jwt.substr(last + 1)));
}

bool FakeGitHub::is_installation(const std::string& authorization) const {
  if (authorization == "Bearer a personal token") return true;
  const auto token = tokens_.find(authorization);
  return token != tokens_.end() && token->second > clock_.now_ms();
}

FakeGitHub::Reply FakeGitHub::hand_out_token(const std::string& body) {
  const std::string token = "ghs_" + std::to_string(++tokens_made_) + (body == "{}" ? "" : "_narrow");
  const std::int64_t expires_ms = clock_.now_ms() + kTokenLife_ms;
  tokens_["Bearer " + token] = expires_ms;
  return {201, {{"token", token}, {"expires_at", to_rfc3339(expires_ms).substr(0, 19) + "Z"}}, {}};
}

FakeGitHub::Reply FakeGitHub::route(const Seen& request, const std::vector<std::string>& path,
                                    const std::string& query) {
  if (path.back() == "access_tokens") return hand_out_token(request.body);
  if (path.back() == "installation") return {200, {{"id", kInstallation}}, {}};
  if (path.size() > 1 && path[1] == "renamed")
    return {307, json::object(), {{"location", "/repos/acme" + request.path.substr(14)}}};
  const json body = json::parse(request.body, nullptr, false);
  if (request.path.find("/check-runs") != std::string::npos) return check_runs_route(request, path);
  if (path.size() > 4 && path[3] == "statuses") {
    statuses_.push_back(body);
    return {201, body, {}};
  }
  if (path.back() == "comments" && request.method == "POST") {
    comments_.push_back({{"id", next_id_++}, {"body", body["body"]}});
    return {201, comments_.back(), {}};
  }
  if (path.back() == "comments") return list_page(comments_, query, request.path);
  return {404, {{"message", "Not Found"}}, {}};
}

FakeGitHub::Reply FakeGitHub::list_page(const std::vector<json>& items, const std::string& query,
                                        const std::string& path) {
  const std::size_t page = page_of(query);
  const std::size_t first = std::min((page - 1) * kPage, items.size());
  const std::size_t last = std::min(first + kPage, items.size());
  Reply reply{200,
              json(std::vector<json>(items.begin() + static_cast<std::ptrdiff_t>(first),
                                     items.begin() + static_cast<std::ptrdiff_t>(last))),
              {}};
  if (last < items.size())
    reply.headers.emplace_back("link", "<" + url() + path.substr(0, path.find("&page=")) +
                                           "&page=" + std::to_string(page + 1) + ">; rel=\"next\"");
  return reply;
}

FakeGitHub::Reply FakeGitHub::create_check_run(const json& body) {
  json run = body;
  run["id"] = next_id_++;
  check_runs_.push_back(run);
  const auto same = [&](const json& other) { return other["name"] == run["name"]; };
  if (static_cast<std::size_t>(std::count_if(check_runs_.begin(), check_runs_.end(), same)) > kRunsOfANameMax)
    check_runs_.erase(std::find_if(check_runs_.begin(), check_runs_.end(), same));
  return {201, run, {}};
}

FakeGitHub::Reply FakeGitHub::check_runs_route(const Seen& request, const std::vector<std::string>& path) {
  const json body = json::parse(request.body, nullptr, false);
  if (request.method == "POST") return create_check_run(body);
  if (path[3] == "commits") {
    json listed{{"total_count", 0}, {"check_runs", json::array()}};
    for (const json& run : check_runs_)
      if (run["head_sha"] == path[4]) listed["check_runs"].push_back(run);
    return {200, listed, {}};
  }
  const std::int64_t id = std::stoll(path.back());
  for (json& run : check_runs_) {
    if (run["id"] != id) continue;
    const json added = body.is_object() ? body.value("/output/annotations"_json_pointer, json::array()) : json::array();
    const auto count = run.value("/output/annotations_count"_json_pointer, std::size_t{0}) + added.size();
    if (body.is_object()) run.update(body);
    if (run.contains("output")) run["output"]["annotations_count"] = count;
    return {200, run, {}};
  }
  return {404, {{"message", "Not Found"}}, {}};
}

}  // namespace smgate::test
