// A new RSA key, as an App's private key is one.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <string>

namespace smgate::test {

class RsaKey {
 public:
  RsaKey() = default;
  ~RsaKey() { EVP_PKEY_free(key_); }
  RsaKey(const RsaKey&) = delete;
  RsaKey& operator=(const RsaKey&) = delete;

  EVP_PKEY* get() const { return key_; }
  std::string pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key_, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
  }

 private:
  EVP_PKEY* key_ = EVP_RSA_gen(2048);
};

}  // namespace smgate::test
