// A stage of a job, as the gate file orders it and the runner executes it. Pure values.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace smgate {

enum class Feeds { none, kernel_cache, distillation, both };  // which contract reads the events of this stage

struct Stage {
  std::string name;                        // [A-Za-z0-9._-]{1,64}, not starting with . or -; unique in its gate file
  std::vector<std::string> argv;           // a shell string is {"/bin/sh", "-c", string}
  int timeout_s = 0;                       // then SIGTERM and SIGKILL to the whole tree
  std::map<std::string, std::string> env;  // on top of the runner's own
  Feeds feeds = Feeds::none;

  bool operator==(const Stage&) const = default;
};

}  // namespace smgate
