// GitHub's own description of its REST API, as cut by tests/github/prepare_api.py: says what is wrong with a request.
// One thread.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace smgate::test {

class GithubApi {
 public:
  GithubApi();  // throws where the description was not prepared
  ~GithubApi();

  // Empty: the request is valid. `path` with its query.
  std::string mistakes(const std::string& method, const std::string& path, const std::string& body);
  // Of an App's permissions: one that is not described, or has another value.
  std::string permission_mistakes(const nlohmann::json& permissions);
  // "POST /repos/{owner}/{repo}/check-runs" of each operation that a valid request has used, and of all.
  const std::set<std::string>& used() const { return used_; }
  std::set<std::string> all() const;

 private:
  struct Compiled;
  std::string body_mistakes(const std::string& name, const nlohmann::json& operation, const std::string& body);
  nlohmann::json document_;
  std::map<std::string, std::unique_ptr<Compiled>> compiled_;
  std::set<std::string> used_;
};

}  // namespace smgate::test
