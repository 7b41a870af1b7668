// An http or https URL in parts. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smgate::github {

struct Url {
  bool tls = true;
  std::string host;  // lower case; an IPv6 address without brackets
  std::uint16_t port = 443;
  std::string target;  // begins with '/'

  bool same_origin(const Url& other) const { return tls == other.tls && host == other.host && port == other.port; }
};

// Absent for anything else, and for one with a user, a fragment or characters that no URL holds.
std::optional<Url> parse_url(std::string_view text);
// A Location header, which may be relative to `base`.
std::optional<Url> resolve(const Url& base, std::string_view location);
// 127.0.0.0/8, ::1 or localhost: the one place where a token may travel without TLS.
bool is_loopback(const Url& url);

}  // namespace smgate::github
