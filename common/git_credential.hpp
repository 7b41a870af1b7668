// What git needs to read a private repository, and the one way in which it is given: a credential helper for that host
// alone, which answers out of the environment of this very git process. So the secret stands in no address, argument,
// file or configuration, and git's own words do not repeat it. Whoever runs git for something else (a checkout, a
// merge base) hands over nothing. Values; any thread.
//
// The environment of a process can be read by its own user while it lives. The coordinator runs no code of others, and
// a runner fetches before a job's first process starts and after the last one of the job before is gone.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "common/secret.hpp"

namespace smgate {

struct GitCredential {
  std::string username;
  Secret password;
  bool operator==(const GitCredential&) const = default;
};

// Printable ASCII without a space, as git's helper protocol takes it: a line each, no escapes.
bool is_safe_credential(const GitCredential& credential);

struct GitHandover {
  std::vector<std::string> options;  // of git itself, before its command
  std::map<std::string, std::string> env;
};
// For a git that talks to `url`; empty where that is no https address, over which alone a secret may travel. Helpers
// that are configured elsewhere are not asked, and get to see nothing.
GitHandover hand_over(const GitCredential& credential, const std::string& url);

// How a repository is reached, apart from its address.
struct GitAccess {
  std::optional<GitCredential> credential;
  std::string why_none;           // for a person: why there is no credential where one was looked for
  std::filesystem::path ca_file;  // certificates in PEM to trust instead of the system's; empty: the system's
};

// git's words say that the server wants to know who asks, or that it knows and refuses.
bool is_access_refused(std::string_view git_words);
// The error of a fetch that was refused so, with what to do about it.
Error access_refused(std::string what, std::string where, bool had_credential, const std::string& why_none);

}  // namespace smgate
