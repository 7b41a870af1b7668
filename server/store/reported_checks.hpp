// What the reporter wrote last about each check of a commit. For the reporter alone, on the store's thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/store/heads.hpp"

namespace smgate::store {

struct ReportedCheck {
  Head head;
  std::string name;
  int generation = 1;  // one more each time that it opens again after it was completed
  bool completed = false;
  bool annotated = false;  // of this generation: GitHub appends annotations, so they go once
  std::string digest;      // of the body
};
std::vector<ReportedCheck> reported_checks(ReadTx& tx, const Head& head);
void save_reported_check(Tx& tx, const ReportedCheck& check);

}  // namespace smgate::store
