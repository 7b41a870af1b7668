// What became of the pre-warm: every key that was asked for at run time and was not there, with the reason (KC-2), for
// the rules and the causes. Pure; any thread. Borrows the facts.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/contract/facts.hpp"
#include "common/contract/key_grammar.hpp"

namespace smgate::contract {

struct Miss {
  std::string kind;         // drifted, collided, skipped, missing
  std::string nearest_key;  // drifted: the pre-warmed key; collided: the key that was taken
  std::vector<TokenDifference> tokens;
  std::string scope;
};

// Of one process: a cache lives in one.
class Coverage {
 public:
  explicit Coverage(const Process& process);

  // `key` of `cache` was not pre-warmed: why.
  Miss classify(const std::string& cache, const std::string& name, const Key& key) const;

 private:
  struct Candidate {
    std::string key;
    ParsedKey parsed;
    bool looked_up;
  };
  struct CacheIndex {
    std::map<std::string, std::vector<Candidate>> prewarmed_by_name;
    std::map<std::string, std::string> taken_by_body;  // body offered under a key that held another: that key
  };

  bool collided(const CacheIndex& index, const ParsedKey& parsed, const Key& key, Miss& miss) const;
  bool skipped(const std::string& scope, const std::string& cache, const CacheIndex& index) const;
  static bool drifted(const CacheIndex& index, const ParsedKey& parsed, Miss& miss);

  const Process& process_;
  std::map<std::string, CacheIndex> caches_;
};

// Clauses speak of keys, processes are many: each key of each cache once, with every process's evidence.
struct KeyInProcess {
  const ProcessId* id;
  const Process* process;
  const Key* key;
};
using KeysAcross = std::map<std::pair<std::string, std::string>, std::vector<KeyInProcess>>;  // by cache and key
KeysAcross keys_across(const Facts& facts);

}  // namespace smgate::contract
