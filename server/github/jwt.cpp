#include "server/github/jwt.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "common/base64.hpp"

namespace smgate::github {
namespace {

constexpr int kKeyBitsMin = 2048;  // what GitHub makes

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

std::string sign_rs256(EVP_PKEY* key, const std::string& text) {
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1)
    throw std::runtime_error("OpenSSL refused to sign for the GitHub App");
  signature.resize(size);
  return signature;
}

}  // namespace

struct AppKey::Key {
  explicit Key(EVP_PKEY* the_key) : key(the_key) {}
  ~Key() { EVP_PKEY_free(key); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  EVP_PKEY* key;
};

std::string base64url(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  while (!text.empty() && text.back() == '=') text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string jwt_claims(const std::string& client_id, std::int64_t now_ms) {
  const std::int64_t now_s = now_ms / 1000;
  return nlohmann::json{{"iat", now_s - kIssuedBack_s}, {"exp", now_s + kJwtLifetime_s}, {"iss", client_id}}.dump();
}

Result<AppKey> AppKey::parse(const Secret& pem) {
  const std::string& text = pem.reveal();
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  // No passphrase is asked for on the terminal: an encrypted key is refused.
  EVP_PKEY* key = PEM_read_bio_PrivateKey(
      bio.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr);
  if (key == nullptr) return Error{"is no unencrypted private key in PEM", "", "download one on the App's page"};
  auto owned = std::make_shared<const Key>(key);
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < kKeyBitsMin)
    return Error{"must be an RSA key of at least 2048 bits", "", "download one on the App's page"};
  return AppKey(std::move(owned));
}

Secret AppKey::sign(const std::string& client_id, std::int64_t now_ms) const {
  const std::string text = base64url(R"({"alg":"RS256","typ":"JWT"})") + "." + base64url(jwt_claims(client_id, now_ms));
  return Secret(text + "." + base64url(sign_rs256(key_->key, text)));
}

}  // namespace smgate::github
