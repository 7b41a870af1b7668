#include "tests/support/fake_github.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fstream>

#include "common/base64.hpp"
#include "common/digest.hpp"

namespace smgate::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using nlohmann::json;

constexpr std::int64_t kTokenLife_ms = 3'600'000;
constexpr std::chrono::minutes kPatience{1};

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

template <class Write, class What>
std::string pem_of(Write write, What* what) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio, what);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

// Good for a day, for this name alone, signed by itself.
X509* make_certificate(EVP_PKEY* key, const char* name) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3'600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("fake"), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name);
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());
  return certificate;
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

}  // namespace

struct FakeGitHub::Socket {
  explicit Socket(FakeTls shown) {
    if (shown == FakeTls::none) return;
    certificate.reset(make_certificate(key, shown == FakeTls::of_loopback ? "IP:127.0.0.1" : "DNS:github.invalid"));
    tls.use_certificate(asio::buffer(pem_of(PEM_write_bio_X509, certificate.get())), asio::ssl::context::pem);
    SSL_CTX_use_PrivateKey(tls.native_handle(), key);
  }
  ~Socket() { EVP_PKEY_free(key); }

  asio::io_context io;
  tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
  EVP_PKEY* key = EVP_RSA_gen(2048);
  std::unique_ptr<X509, decltype(&X509_free)> certificate{nullptr, X509_free};
  asio::ssl::context tls{asio::ssl::context::tls_server};
};

FakeGitHub::FakeGitHub(const Clock& clock, FakeTls tls)
    : clock_(clock),
      tls_(tls != FakeTls::none),
      socket_(std::make_unique<Socket>(tls)),
      port_(socket_->acceptor.local_endpoint().port()) {
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
  return pem_of(
      [](BIO* bio, EVP_PKEY* key) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); },
      socket_->key);
}
std::string FakeGitHub::certificate() const { return pem_of(PEM_write_bio_X509, socket_->certificate.get()); }

void FakeGitHub::fail_next(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}
void FakeGitHub::tell_git_host(std::filesystem::path tokens_file) {
  const std::lock_guard lock(mutex_);
  git_tokens_ = std::move(tokens_file);
}
void FakeGitHub::refuse_git_tokens(unsigned status) {
  const std::lock_guard lock(mutex_);
  git_tokens_refused_ = status;
}
void FakeGitHub::refuse_tokens() {
  const std::lock_guard lock(mutex_);
  tokens_.clear();
}
void FakeGitHub::delete_check_runs() {
  const std::lock_guard lock(mutex_);
  check_runs_.clear();
}
void FakeGitHub::set_permission(const std::string& login, const std::string& permission) {
  const std::lock_guard lock(mutex_);
  permissions_[login] = permission;
}
void FakeGitHub::set_down(bool down) {
  const std::lock_guard lock(mutex_);
  down_ = down;
}
bool FakeGitHub::wait_for(const std::function<bool(const State&)>& condition) {
  std::unique_lock lock(mutex_);
  const State state{check_runs_, asked_, seen_};
  return answered_.wait_for(lock, kPatience, [&] { return condition(state); });
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
  if (!tls_) return converse(socket);
  asio::ssl::stream<tcp::socket> stream(std::move(socket), socket_->tls);
  boost::system::error_code refused;
  stream.handshake(asio::ssl::stream_base::server, refused);
  if (!refused) converse(stream);
}

template <class Stream>
void FakeGitHub::converse(Stream& stream) {
  boost::beast::flat_buffer buffer;
  http::request_parser<http::string_body> parser;
  boost::system::error_code error;
  http::read(stream, buffer, parser, error);
  if (error) return;
  const auto& request = parser.get();
  Seen seen{std::string(request.method_string()),
            std::string(request.target()),
            std::string(request[http::field::authorization]),
            request.body(),
            std::string(request[http::field::if_none_match]),
            0};
  Reply reply;
  {
    const std::lock_guard lock(mutex_);
    reply = reply_to(seen);
    seen.status = reply.status;
    seen_.push_back(seen);
  }
  answered_.notify_all();
  std::string rest;
  if (reply.fault == Fault::Kind::silent) asio::read(stream, asio::dynamic_buffer(rest), error);  // until it leaves
  if (reply.status == 0) return;
  http::response<http::string_body> response(static_cast<http::status>(reply.status), 11);
  response.set(http::field::content_type, "application/json");
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  response.body() = reply.body.is_string() ? reply.body.get<std::string>() : reply.body.dump();
  response.prepare_payload();
  if (reply.fault == Fault::Kind::cut_midway) response.body().resize(response.body().size() / 2);
  if (reply.status == 304) response.body().clear();
  http::write(stream, response, error);
}

FakeGitHub::Reply FakeGitHub::reply_to(const Seen& request) {
  const std::size_t mark = std::min(request.path.find('?'), request.path.size());
  const std::string query = mark < request.path.size() ? request.path.substr(mark + 1) : "";
  const std::vector<std::string> path = steps_of(request.path.substr(0, mark));
  const bool about_tokens = path.back() == "access_tokens" || path.back() == "installation";
  if (down_) return {0, {}, {}};
  if (const std::string wrong = api_.mistakes(request.method, request.path, request.body); !wrong.empty())
    mistakes_.push_back(wrong);
  if (path.front() == "app" || path.back() == "installation") {
    if (!is_app(request.authorization)) return {401, {{"message", "A JSON web token could not be decoded"}}, {}};
  } else if (!is_installation(request.authorization)) {
    return {401, {{"message", "Bad credentials"}}, {}};
  }
  if (about_tokens || faults_.empty()) return conditional(request, complete(request, route(request, path, query)));
  const Fault fault = faults_.front();
  faults_.pop_front();
  if (fault.kind == Fault::Kind::cut_after) route(request, path, query);
  if (fault.kind == Fault::Kind::answer || fault.kind == Fault::Kind::cut_midway)
    return {fault.status, fault.body, fault.headers, fault.kind};
  return {0, {}, {}, fault.kind};
}

FakeGitHub::Reply FakeGitHub::complete(const Seen& request, Reply reply) {
  std::string wrong;
  reply.body = api_.complete(request.method, request.path, reply.status, std::move(reply.body), wrong);
  if (!wrong.empty()) mistakes_.push_back(wrong);
  return reply;
}

// What was asked for before, and is the same, is not sent again.
FakeGitHub::Reply FakeGitHub::conditional(const Seen& request, Reply reply) const {
  if (request.method != "GET" || reply.status != 200) return reply;
  const std::string etag = "\"" + sha256_hex(reply.body.dump()) + "\"";
  if (request.if_none_match == etag) return {304, "", {{"etag", etag}}};
  reply.headers.emplace_back("etag", etag);
  return reply;
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
  const json asked = json::parse(body);
  if (!asked.empty() && git_tokens_refused_ != 0) return {git_tokens_refused_, {{"message", "as the test wished"}}, {}};
  const std::string token = "ghs_" + std::to_string(++tokens_made_) + (asked.empty() ? "" : "_narrow") +
                            (git_tokens_.empty() ? "" : "_" + std::to_string(port_));  // unlike any other test's
  if (!asked.empty() && !git_tokens_.empty())
    std::ofstream(git_tokens_, std::ios::app) << token << ' ' << asked["repositories"][0].get<std::string>() << '\n';
  const std::int64_t expires_ms = clock_.now_ms() + kTokenLife_ms;
  tokens_["Bearer " + token] = expires_ms;
  return {201, {{"token", token}, {"expires_at", to_rfc3339_seconds(expires_ms)}}, {}};
}

}  // namespace smgate::test
