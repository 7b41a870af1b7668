// Messages of the protocol with everything filled in, for tests to change what they are about.
#pragma once

#include "common/protocol/messages.hpp"

namespace smgate::test {

inline const JobId kJob{"01BX5ZZKBKACTAV9WEVGEMMVRZ"};
inline const LeaseToken kLease{"01BX5ZZKBKACTAV9WEVGEMMVRY"};
inline const LeaseToken kOtherLease{"01BX5ZZKBKACTAV9WEVGEMMVS9"};

inline protocol::Assign an_assign() {
  protocol::Assign assign;
  assign.job = kJob;
  assign.lease = kLease;
  assign.repository = "example/training";
  assign.clone_url = "https://example.com/training.git";
  assign.commit = {std::string(40, 'a')};
  assign.ref = "refs/heads/main";
  assign.arch = {"sm_89"};
  assign.stages = {{"build", {"/bin/sh", "-c", "make"}, 60, {{"JOBS", "2"}}, Feeds::none},
                   {"smoke", {"./smoke"}, 120, {}, Feeds::both}};
  assign.deadline_s = 600;
  return assign;
}

inline protocol::Hello a_hello() {
  protocol::Hello hello;
  hello.runner = {"gb10-1"};
  hello.arch = {"sm_89"};
  hello.host = "gb10";
  hello.version = "0.1.0";
  hello.device = {"RTX 4090", 24ULL << 30U, false, true};
  return hello;
}

}  // namespace smgate::test
