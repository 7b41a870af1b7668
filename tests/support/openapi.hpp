// schemas/openapi.yaml as tests hold the server against it: which routes there are, and whether an answer is one that
// is described. One thread.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "tests/support/http_client.hpp"

namespace smgate::test {

class OpenApi {
 public:
  static OpenApi& of_project();  // read once a process: compiling schemas takes a while
  ~OpenApi();

  std::set<std::string> routes() const;  // "GET /api/v1/runs/{id}"
  // Empty where status, content type and body of the answer are described for this address.
  std::string mistakes(const std::string& method, const std::string& path, const HttpAnswer& answer);

 private:
  OpenApi();
  std::string validate(const nlohmann::json& schema, const nlohmann::json& body);

  nlohmann::json document_;  // with schemas as draft-07 and other files' definitions under /files
  struct Compiled;
  std::map<std::string, std::unique_ptr<Compiled>> compiled_;
};

}  // namespace smgate::test
