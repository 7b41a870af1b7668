// The run-time kernel cache: text key -> compiled module. Owned by the run; asked by pre-warm lists (offer) and by
// every operation (get_or_compile); one thread, but for its own that compile what is offered while the pre-warm goes
// on. It does what such caches do in the field: the first body under a key is kept, a later one is dropped without a
// complaint. It reports instead of preventing; judging is the gate's work.
//
// Reported: every offer; every compile and load; every lookup that misses; of those that hit, the first of each scope,
// key and body that is asked for. A hit repeated says nothing new and would be most of the file. Offers are reported as
// they come, compiles and loads as the pre-warm ends, in the order of the offers, however many threads compiled.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "smgate/events.hpp"
#include "smgate/kernel.hpp"

namespace smgate::workload {

class CompilePool;
class Compiler;
class Device;
class DiskCache;
struct Compiled;

// A kernel that can be launched.
struct Module {
  Body body;               // what it was built from
  std::string digest;      // of the body
  std::string code;        // a cubin, or the body's text where there is no compiler
  std::string target;      // sm_XY as the cubin itself says
  bool native = true;      // false: the driver must compile it again
  void* handle = nullptr;  // of the device that loaded it
};

struct KernelCacheOptions {
  DiskCache* disk = nullptr;  // outlives the cache; nullptr: every kernel is compiled here
  std::string target;         // architecture to compile for; empty: the device's own
  bool strict = false;        // refuse a compile after pre-warm
  unsigned threads = 0;       // that compile what is offered; 0: none, each is compiled as it is offered
};

class KernelCache {
 public:
  KernelCache(std::string name, Compiler& compiler, Device& device, events::Writer& writer,
              KernelCacheOptions options = {});
  ~KernelCache();  // reports every module unloaded; the device, which outlives it, lets go of them

  // A pre-warm span of `scope`. What is compiled outside of one is late, and the device is told.
  void begin_prewarm(const std::string& scope, events::Here at = events::Here::now());
  void end_prewarm(events::Here at = events::Here::now());

  // Has what `offers` offers compiled from now on, beside whatever comes next: nothing is reported and no key is taken
  // before its own offer, in a span, which then finds it compiled or on its way.
  void compile_ahead(const std::function<void()>& offers);

  // Has `body` compiled under `key`, unless the key is taken. In a pre-warm span or ahead of it; where it does not
  // compile, end_prewarm throws RunFailure.
  void offer(const std::string& key, const Body& body, events::Here at = events::Here::now());

  // The module under `key`; compiles `body` on a miss, however late. A hit whose module was built from another body is
  // noted and given all the same. Throws RunFailure where it does not compile, or must not.
  const Module& get_or_compile(const std::string& scope, const std::string& key, const Body& body,
                               events::Here at = events::Here::now());

  // sm_XY that kernels are compiled for; those that use its own instructions, for sm_XYa.
  const std::string& target() const;
  const DiskCache* disk() const { return options_.disk; }
  std::uint64_t late_compiles() const { return late_compiles_; }
  std::uint64_t modules() const { return modules_.size(); }

 private:
  struct Built;    // code, from the compiler or the disk
  struct Offered;  // what is being compiled

  Built build(const Body& body) const;
  std::future<Built> start(const Body& body);
  void settle();
  const Module& admit(const std::string& key, const Body& body, const std::string& digest, Built built,
                      events::Here at);
  const Module& compile_late(const std::string& key, const Body& body, const std::string& digest, events::Here at);
  void report_compile(const std::string& key, const std::string& digest, const Compiled& result, events::Here at);

  std::string name_;
  Compiler& compiler_;
  Device& device_;
  events::Writer& writer_;
  KernelCacheOptions options_;
  std::map<std::string, std::unique_ptr<Module>> modules_;
  std::vector<Offered> offered_;                       // in the open span, in order, each under a key of its own
  std::set<std::string> reported_;                     // scope, key, body of the hits that were told
  std::string scope_;                                  // of the open pre-warm span; empty outside
  std::map<std::string, Body>* ahead_ = nullptr;       // by digest, what is offered now for a later span
  std::map<std::string, std::future<Built>> started_;  // ahead of their offers, by the body's digest
  std::uint64_t offers_ = 0;                           // in the open span
  std::uint64_t late_compiles_ = 0;
  std::unique_ptr<CompilePool> pool_;  // last: its threads end before what they read
};

}  // namespace smgate::workload
