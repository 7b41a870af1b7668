// The run-time kernel cache: text key -> compiled module. Owned by the run; asked by pre-warm lists (offer) and by
// every operation (get_or_compile); one thread. It does what such caches do in the field: the first body under a key is
// kept, a later one is dropped without a complaint. It reports instead of preventing; judging is the gate's work.
//
// Reported: every offer; every compile and load; every lookup that misses; of those that hit, the first of each scope,
// key and body that is asked for. A hit repeated says nothing new and would be most of the file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "smgate/events.hpp"
#include "smgate/kernel.hpp"

namespace smgate::workload {

class Compiler;
class Device;

// A kernel that can be launched.
struct Module {
  Body body;               // what it was built from
  std::string code;        // a cubin, or the body's text where there is no compiler
  std::string target;      // sm_XY of the cubin
  bool native = true;      // false: the driver must compile it again
  void* handle = nullptr;  // of the device that loaded it
};

class KernelCache {
 public:
  KernelCache(std::string name, Compiler& compiler, Device& device, events::Writer& writer);
  ~KernelCache();

  // A pre-warm span of `scope`. What is compiled outside of one is late, and the device is told.
  void begin_prewarm(const std::string& scope, events::Here at = events::Here::now());
  void end_prewarm(events::Here at = events::Here::now());

  // Compiles `body` under `key`, unless the key is taken. Only in a pre-warm span.
  void offer(const std::string& key, const Body& body, events::Here at = events::Here::now());

  // The module under `key`; compiles `body` on a miss. Throws RunFailure where it does not compile.
  const Module& get_or_compile(const std::string& scope, const std::string& key, const Body& body,
                               events::Here at = events::Here::now());

  std::uint64_t late_compiles() const { return late_compiles_; }
  std::uint64_t modules() const { return modules_.size(); }

 private:
  const Module& compile(const std::string& key, const Body& body, const std::string& digest, events::Here at);
  void report_compile(const std::string& key, const std::string& digest, const struct Compiled& result,
                      events::Here at);

  std::string name_;
  Compiler& compiler_;
  Device& device_;
  events::Writer& writer_;
  std::map<std::string, std::unique_ptr<Module>> modules_;
  std::set<std::string> reported_;  // scope, key, body of the hits that were told
  std::string scope_;               // of the open pre-warm span; empty outside
  std::uint64_t offers_ = 0;        // in the open span
  std::uint64_t late_compiles_ = 0;
};

}  // namespace smgate::workload
