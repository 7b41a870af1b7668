// The clauses that compare runs (KC-8, DS-7, DS-8): the facts of all required architectures of one commit with each
// other, and each with the base branch's. Called by the coordinator when the last required job ends. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "common/contract/facts.hpp"
#include "common/contract/policy.hpp"
#include "common/contract/report.hpp"

namespace smgate::contract {

// Borrows the facts. Null: there are none.
struct ArchFacts {
  std::string arch;
  const Facts* facts = nullptr;  // of the run's job on this architecture: JobFacts::main
  const Facts* base = nullptr;   // of the newest green run of the base branch on it
};

// A report with these three clauses alone. Where all are not applicable, its verdict is pass: they ask for nothing.
Report compare(const std::vector<ArchFacts>& required, const Policy& policy);

}  // namespace smgate::contract
