// One request to a server's API over http or https, with the certificate checked; each call connects anew, blocks, and
// has a deadline. For the command line; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/result.hpp"

namespace smgate::ask {

struct Server {
  bool tls = false;
  std::string host;
  std::string port;
  std::string token;    // may be empty
  std::string ca_file;  // empty: the system's
};
// http://HOST[:PORT] or https://HOST[:PORT].
Result<Server> parse_server(const std::string& url);

using Headers = std::map<std::string, std::string>;
struct Answer {
  unsigned status = 0;
  std::string body;
};
Result<Answer> send(const Server& server, const std::string& method, const std::string& target,
                    const Headers& headers = {}, const std::string& body = "");

}  // namespace smgate::ask
