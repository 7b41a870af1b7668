// Prints every request that the client can send, one JSON object a line, for prism_test.py.
#include <cstdio>

#include "tests/github/all_requests.hpp"

int main() {
  for (const smgate::github::Request& request : smgate::test::all_requests()) {
    const nlohmann::json line{{"method", request.method}, {"path", request.path}, {"body", request.body}};
    std::puts(line.dump().c_str());
  }
}
