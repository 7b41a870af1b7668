#include "runner/workload/base/library.hpp"

#include <cstdlib>

namespace smgate::workload {

std::vector<std::string> toolkit_places(const char* variable, std::initializer_list<const char*> names) {
  const char* named = std::getenv(variable);
  if (named != nullptr && *named != '\0') return {named};
  std::vector<std::string> paths;
  for (const char* folder : {"", "/usr/local/cuda/lib64/", "/usr/local/cuda/lib/"}) {
    for (const char* name : names) paths.push_back(std::string(folder) + name);
  }
  return paths;
}

}  // namespace smgate::workload
