// What smgate-server does besides serving: tokens of runners and of the API, from the command line, on the database itself. Works while
// the server runs: SQLite's WAL lets both in.
#pragma once

#include <string>

#include "server/config.hpp"

namespace smgate {

// Each prints to standard output and returns the exit code; errors go to standard error.
int create_token(const Config& config, const std::string& runner, const std::string& arch);
int list_tokens(const Config& config);
int revoke_token(const Config& config, const std::string& runner);
// Tokens of the API, by name; scopes with commas between them.
int create_api_token(const Config& config, const std::string& name, const std::string& scopes);
int revoke_api_token(const Config& config, const std::string& name);
int print_crash_points();

}  // namespace smgate
