#include "smgate/kernel_cache.hpp"

#include <algorithm>

#include "runner/workload/base/sha256.hpp"
#include "runner/workload/cache/compile_pool.hpp"
#include "runner/workload/cache/compiler.hpp"
#include "runner/workload/cache/cubin.hpp"
#include "runner/workload/cache/disk_cache.hpp"
#include "runner/workload/device/device.hpp"
#include "runner/workload/kernels/kernel.hpp"

namespace smgate::workload {

struct KernelCache::Built {
  Compiled result;
  bool from_disk;
  std::string warning;  // of the disk
};

struct KernelCache::Offered {
  std::string key;
  Body body;
  std::string digest;
  events::Here at;
  std::future<Built> built;
};

KernelCache::KernelCache(std::string name, Compiler& compiler, Device& device, events::Writer& writer,
                         KernelCacheOptions options)
    : name_(std::move(name)), compiler_(compiler), device_(device), writer_(writer), options_(std::move(options)) {
  if (options_.threads > 0) pool_ = std::make_unique<CompilePool>(options_.threads);
}

KernelCache::~KernelCache() {
  for (const auto& [key, module] : modules_)
    if (module != nullptr) writer_.unload(sha256_hex(module->code), name_, key);
}

void KernelCache::begin_prewarm(const std::string& scope, events::Here at) {
  scope_ = scope;
  offers_ = 0;
  writer_.prewarm_begin(scope_, name_, at);
}

// Claims the calls that were made, as such log lines do, not the modules that came of them.
void KernelCache::end_prewarm(events::Here at) {
  settle();
  writer_.prewarm_end(scope_, name_, offers_, at);
  scope_.clear();
  if (options_.disk != nullptr) options_.disk->evict();
}

void KernelCache::compile_ahead(const std::function<void()>& offers) {
  if (!pool_) return;
  std::map<std::string, Body> bodies;
  ahead_ = &bodies;
  offers();
  ahead_ = nullptr;
  // The longest texts first, for they compile longest, and nothing is left to do beside the last one.
  std::vector<std::pair<std::size_t, std::string>> order;
  for (const auto& [digest, body] : bodies) order.emplace_back(body.text().size(), digest);
  std::sort(order.rbegin(), order.rend());
  for (const auto& [length, digest] : order) started_[digest] = start(bodies.at(digest));
}

std::future<KernelCache::Built> KernelCache::start(const Body& body) {
  auto task = std::make_shared<std::packaged_task<Built()>>([this, body] { return build(body); });
  if (pool_) {
    pool_->run([task] { (*task)(); });
  } else {
    (*task)();
  }
  return task->get_future();
}

void KernelCache::offer(const std::string& key, const Body& body, events::Here at) {
  const std::string digest = body.digest();
  if (ahead_ != nullptr) {
    ahead_->emplace(digest, body);
    return;
  }
  ++offers_;
  writer_.offer(scope_, name_, key, digest, at);
  if (modules_.count(key) != 0) return;
  modules_.emplace(key, nullptr);  // taken from now on
  // One compile serves one offer: two keys of one body are two compiles, ahead or not.
  const auto ahead = started_.extract(digest);
  offered_.push_back({key, body, digest, at, ahead ? std::move(ahead.mapped()) : start(body)});
}

void KernelCache::settle() {
  std::vector<Offered> offered;
  offered.swap(offered_);
  for (Offered& each : offered) admit(each.key, each.body, each.digest, each.built.get(), each.at);
}

const Module& KernelCache::get_or_compile(const std::string& scope, const std::string& key, const Body& body,
                                          events::Here at) {
  settle();
  const std::string digest = body.digest();
  const auto found = modules_.find(key);
  const bool hit = found != modules_.end() && found->second != nullptr;
  const bool first = reported_.insert(scope + '\n' + key + '\n' + digest).second;
  if (first || !hit) writer_.lookup(scope, name_, key, digest, hit, at);
  if (!hit) return compile_late(key, body, digest, at);
  if (first && found->second->digest != digest) {
    writer_.note("cache " + name_ + ": under " + key + " lies the body " + found->second->digest +
                     "; the caller would build " + digest,
                 at);
  }
  return *found->second;
}

const Module& KernelCache::compile_late(const std::string& key, const Body& body, const std::string& digest,
                                        events::Here at) {
  if (options_.strict) throw RunFailure("strict mode: kernel " + key + " was not pre-warmed and is not compiled now");
  const Module& module = admit(key, body, digest, build(body), at);
  ++late_compiles_;
  device_.late_compile();
  return module;
}

const std::string& KernelCache::target() const {
  return options_.target.empty() ? device_.info().arch : options_.target;
}

// On any thread: touches nothing but the compiler and the disk.
KernelCache::Built KernelCache::build(const Body& body) const {
  const std::string wanted = target_for(body, target());
  if (options_.disk == nullptr) return {compiler_.compile(body, wanted), false, ""};
  const std::string key = sha256_hex(compiler_.inputs(body, wanted));
  DiskCache::Found found = options_.disk->find(key);
  if (found.code) return {{true, std::move(*found.code), wanted, "", 0.0}, true, ""};
  Built built{compiler_.compile(body, wanted), false, std::move(found.warning)};
  if (!built.result.ok) return built;
  const std::string failed = options_.disk->store(key, built.result.code);
  if (!failed.empty()) built.warning += (built.warning.empty() ? "" : "; ") + failed;
  return built;
}

const Module& KernelCache::admit(const std::string& key, const Body& body, const std::string& digest, Built built,
                                 events::Here at) {
  Compiled& result = built.result;
  const std::string asked = result.target;
  if (compiler_.real() && result.ok) {
    if (const auto cubin = cubin_target(result.code)) {
      // The header may leave out that code of sm_90a is for sm_90 alone.
      result.target = *cubin + "a" == asked ? asked : *cubin;
    } else {
      result.target = ptx_target(result.code).value_or(asked);
    }
  }
  if (!built.warning.empty()) writer_.note("cache " + name_ + ": " + built.warning, at);
  if (!built.from_disk) report_compile(key, digest, result, at);
  if (!result.ok) throw RunFailure("kernel " + key + " does not compile for " + result.target + ": " + result.log);
  const bool native = runs_natively(result.target, device_.info().arch);
  auto module = std::make_unique<Module>(Module{body, digest, std::move(result.code), result.target, native});
  device_.load(*module);
  events::Event load("load");
  load.name("module", sha256_hex(module->code)).name("cache", name_).name("key", key).text("target", module->target);
  load.integer("bytes", module->code.size()).flag("native", module->native);
  if (built.from_disk) load.flag("x_from_disk", true);
  writer_.emit(load.at(at));
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
