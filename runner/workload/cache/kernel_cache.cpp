#include "smgate/kernel_cache.hpp"

#include "runner/workload/base/sha256.hpp"
#include "runner/workload/cache/compiler.hpp"
#include "runner/workload/device/device.hpp"

namespace smgate::workload {

KernelCache::KernelCache(std::string name, Compiler& compiler, Device& device, events::Writer& writer)
    : name_(std::move(name)), compiler_(compiler), device_(device), writer_(writer) {}

KernelCache::~KernelCache() = default;

void KernelCache::begin_prewarm(const std::string& scope, events::Here at) {
  scope_ = scope;
  offers_ = 0;
  writer_.prewarm_begin(scope_, name_, at);
}

// Claims the calls that were made, as such log lines do, not the modules that came of them.
void KernelCache::end_prewarm(events::Here at) {
  writer_.prewarm_end(scope_, name_, offers_, at);
  scope_.clear();
}

void KernelCache::offer(const std::string& key, const Body& body, events::Here at) {
  const std::string digest = body.digest();
  ++offers_;
  writer_.offer(scope_, name_, key, digest, at);
  if (modules_.count(key) == 0) compile(key, body, digest, at);
}

const Module& KernelCache::get_or_compile(const std::string& scope, const std::string& key, const Body& body,
                                          events::Here at) {
  const std::string digest = body.digest();
  const auto found = modules_.find(key);
  const bool hit = found != modules_.end();
  const bool first = reported_.insert(scope + '\n' + key + '\n' + digest).second;
  if (first || !hit) writer_.lookup(scope, name_, key, digest, hit, at);
  if (hit) return *found->second;
  const Module& module = compile(key, body, digest, at);
  ++late_compiles_;
  device_.late_compile();
  return module;
}

const Module& KernelCache::compile(const std::string& key, const Body& body, const std::string& digest,
                                   events::Here at) {
  Compiled result = compiler_.compile(body, device_.info().arch);
  report_compile(key, digest, result, at);
  if (!result.ok) throw RunFailure("kernel " + key + " does not compile for " + result.target + ": " + result.log);
  auto module = std::make_unique<Module>(Module{body, std::move(result.code), result.target});
  device_.load(*module);
  events::Event load("load");
  load.name("module", sha256_hex(module->code)).name("cache", name_).name("key", key).text("target", module->target);
  writer_.emit(load.integer("bytes", module->code.size()).flag("native", module->native).at(at));
  return *(modules_[key] = std::move(module));
}

void KernelCache::report_compile(const std::string& key, const std::string& digest, const Compiled& result,
                                 events::Here at) {
  events::Event event("compile");
  event.name("cache", name_).name("key", key).name("body", digest).text("target", result.target);
  event.integer("bytes", result.code.size()).real("ms", result.ms).flag("ok", result.ok);
  if (!result.log.empty()) event.text("log", result.log);
  writer_.emit(event.at(at));
}

}  // namespace smgate::workload
