// GitHub's own description of its REST API, as cut by tests/github/prepare_api.py: says what is wrong with a request,
// or with an answer of a stand-in. One thread.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace smgate::test {

class GithubApi {
 public:
  GithubApi();  // throws where the description was not prepared

  // Empty: the request is valid. `path` with its query.
  std::string mistakes(const std::string& method, const std::string& path, const std::string& body);
  // A good answer of this status, with every field that GitHub's own has: those that `body` lacks come from GitHub's
  // example. `wrong`: what is not as described even so.
  nlohmann::json complete(const std::string& method, const std::string& path, unsigned status, nlohmann::json body,
                          std::string& wrong);
  // Of an App's permissions: one that is not described, or has another value.
  std::string permission_mistakes(const nlohmann::json& permissions);
  // "POST /repos/{owner}/{repo}/check-runs" of each operation that a valid request has used, and of all.
  const std::set<std::string>& used() const { return used_; }
  std::set<std::string> all() const;

 private:
  const nlohmann::json* find(const std::string& method, const std::string& plain_path) const;
  std::string schema_mistakes(const std::string& name, const nlohmann::json& schema, const nlohmann::json& value);
  std::string body_mistakes(const std::string& name, const nlohmann::json& operation, const std::string& body);
  nlohmann::json document_;
  std::set<std::string> used_;
};

}  // namespace smgate::test
