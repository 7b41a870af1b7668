#include "common/git_credential.hpp"

#include <algorithm>
#include <array>

namespace smgate {
namespace {

constexpr std::string_view kHttps = "https://";

// printf is the shell's own: no process has the secret in its arguments. git also calls a helper to store and to
// erase, which this one leaves alone.
constexpr const char* kHelper =
    "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' \"$SMGATE_GIT_USERNAME\" "
    "\"$SMGATE_GIT_PASSWORD\"; }; f";

bool is_printable(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

bool is_safe_credential(const GitCredential& credential) {
  return is_printable(credential.username) && is_printable(credential.password.reveal());
}

GitHandover hand_over(const GitCredential& credential, const std::string& url) {
  if (url.rfind(kHttps, 0) != 0) return {};
  const std::string host = url.substr(0, url.find_first_of("/?", kHttps.size()));
  return {{"-c", "credential.helper=", "-c", "credential." + host + ".helper=" + kHelper},
          {{"SMGATE_GIT_USERNAME", credential.username}, {"SMGATE_GIT_PASSWORD", credential.password.reveal()}}};
}

bool is_access_refused(std::string_view git_words) {
  constexpr std::array<std::string_view, 5> kSigns = {
      "Authentication failed",
      "could not read Username",
      "could not read Password",
      "The requested URL returned error: 403",
      "' not found",  // how a host answers that does not tell strangers which repositories it has
  };
  return std::any_of(kSigns.begin(), kSigns.end(),
                     [git_words](std::string_view sign) { return git_words.find(sign) != std::string_view::npos; });
}

Error access_refused(std::string what, std::string where, bool had_credential, const std::string& why_none) {
  if (had_credential)
    return {std::move(what), std::move(where),
            "the host refuses the token that GitHub gave for this repository: check that the GitHub App is still "
            "installed for it, with the permission contents: read; the next attempt asks for another token"};
  const std::string asked = why_none.empty() ? "no credential was at hand" : why_none;
  return {std::move(what), std::move(where),
          asked +
              "; if the repository is private, install the GitHub App for it, as deploy/github-app says, or give "
              "this host's git an access of its own"};
}

}  // namespace smgate
