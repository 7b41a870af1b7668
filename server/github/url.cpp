#include "server/github/url.hpp"

#include <algorithm>
#include <charconv>

namespace smgate::github {
namespace {

constexpr std::size_t kUrlBytesMax = 8192;

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// "host", "host:8443" or "[::1]:8443"
bool read_authority(std::string_view text, Url& url) {
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    url.host = text.substr(1, close - 1);
    port = text.substr(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
  }
  for (char& c : url.host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  url.port = url.tls ? 443 : 80;
  if (port.empty()) return !url.host.empty();
  const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), url.port);
  return port.front() == ':' && error == std::errc() && end == port.data() + port.size() && !url.host.empty();
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (text.size() > kUrlBytesMax || !is_printable(text) || text.find_first_of("#\\") != std::string_view::npos)
    return std::nullopt;
  if (text.rfind("https://", 0) == 0)
    text.remove_prefix(8);
  else if (text.rfind("http://", 0) == 0)
    text.remove_prefix(7), url.tls = false;
  else
    return std::nullopt;
  const std::size_t path = std::min(text.find_first_of("/?"), text.size());
  const std::string_view authority = text.substr(0, path);
  if (authority.find('@') != std::string_view::npos || !read_authority(authority, url)) return std::nullopt;
  url.target = text.substr(path);
  if (url.target.empty() || url.target.front() != '/') url.target.insert(0, "/");
  return url;
}

std::optional<Url> resolve(const Url& base, std::string_view location) {
  if (location.empty() || location.front() != '/' || location.rfind("//", 0) == 0) return parse_url(location);
  if (location.size() > kUrlBytesMax || !is_printable(location)) return std::nullopt;
  Url url = base;
  url.target = location;
  return url;
}

bool is_loopback(const Url& url) {
  return url.host == "localhost" || url.host == "::1" || url.host.rfind("127.", 0) == 0;
}

}  // namespace smgate::github
