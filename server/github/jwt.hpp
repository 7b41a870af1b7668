// How the App says who it is: a JSON Web Token, signed with its private key (RS256, RFC 7515 and 7519).
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "server/github/secret.hpp"

namespace smgate::github {

inline constexpr std::int64_t kIssuedBack_s = 60;    // for a clock that runs ahead of GitHub's
inline constexpr std::int64_t kJwtLifetime_s = 540;  // GitHub refuses more than 600 from its own now
inline constexpr std::size_t kKeyFileBytesMax = 16U << 10U;

std::string base64url(std::string_view bytes);  // unpadded
// {"iat": ..., "exp": ..., "iss": client id}
std::string jwt_claims(const std::string& client_id, std::int64_t now_ms);

// The App's private key, read once. Immutable; any thread.
class AppKey {
 public:
  static Result<AppKey> parse(const Secret& pem);  // PKCS#1, as GitHub hands it out, or PKCS#8
  Secret sign(const std::string& client_id, std::int64_t now_ms) const;

 private:
  struct Key;
  explicit AppKey(std::shared_ptr<const Key> key) : key_(std::move(key)) {}
  std::shared_ptr<const Key> key_;
};

}  // namespace smgate::github
