// KC-5: every module runs natively on its device. A cubin runs on its own major and a minor not above the device's
// (CUDA C++ Programming Guide, binary compatibility); sm_XYa code on sm_XY alone; PTX must be compiled by the driver.
#include <spdlog/fmt/fmt.h>

#include <charconv>
#include <map>

#include "common/contract/clauses/rule.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kEvidenceMax = 8;

struct Capability {
  int major = 0, minor = 0;
  char suffix = '\0';  // a: this architecture alone; f: its family
};

// Of sm_XY; major 0 where the text is none.
Capability capability_of(std::string_view text) {
  Capability capability;
  if (!text.starts_with("sm_")) return capability;
  text.remove_prefix(3);
  if (text.ends_with('a') || text.ends_with('f')) {
    capability.suffix = text.back();
    text.remove_suffix(1);
  }
  int number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return capability;
  capability.major = number / 10;
  capability.minor = number % 10;
  return capability;
}

// Empty: it runs natively. nullopt: not known.
std::optional<std::string> why_not_native(const Target& module, const std::string& arch, bool ptx_declared) {
  const Capability device = capability_of(arch), built = capability_of(module.target);
  const bool known = device.major != 0 && built.major != 0;
  const bool same = built.major == device.major && built.minor == device.minor;
  const bool fits = built.suffix == 'a' ? same : built.major == device.major && built.minor <= device.minor;
  if (known && !fits) return fmt::format("a cubin for {} never runs on {}", module.target, arch);
  const bool ptx = module.target.starts_with("compute_");
  if (ptx || module.native == false) return ptx_declared ? "" : "the driver must compile it: it is PTX";
  return known ? std::optional<std::string>("") : std::nullopt;
}

void add_to(std::map<std::string, Finding>& by_target, const std::string& name, const Target& module,
            const std::string& arch, const std::string& why) {
  Finding& finding = by_target[module.target + why];
  if (!finding.count) {
    finding.clause = "KC-5";
    finding.kind = "target_mismatch";
    finding.key = name;
    finding.count = 0;
    finding.message = fmt::format("{} built for {} on {}: {}", quoted(name),
                                  module.target.empty() ? "an unknown target" : module.target, arch, why);
  }
  ++*finding.count;
  if (finding.evidence.size() < kEvidenceMax) finding.evidence.push_back(module.first);
}

}  // namespace

Judgement judge_kc_5(const Facts& facts, const Policy& policy) {
  const Start* start = main_start(facts);
  const std::string arch = start == nullptr ? "" : start->arch;
  std::map<std::string, Finding> by_target;
  bool any_known = false, any_unknown = false;
  const auto judge_key = [&](const std::string& name, const Key& key) {
    if (key.compiles.in_prewarm + key.compiles.late_total() + key.loads.in_prewarm + key.loads.late_total() == 0)
      return;
    if (key.targets.empty()) any_unknown = true;
    bool reported = false;
    for (const Target& module : key.targets) {
      const auto why = why_not_native(module, arch, !policy.run_time_ptx_declared.empty());
      (why ? any_known : any_unknown) = true;
      const bool breach = why && !why->empty() && !reported && find_exception(policy, "KC-5", name) == nullptr;
      if (!breach) continue;
      reported = true;
      add_to(by_target, name, module, arch, *why);
    }
  };
  for (const auto& [id, process] : facts.processes) {
    for (const auto& [cache, keys] : process.caches)
      for (const auto& [name, key] : keys) judge_key(name, key);
    for (const auto& [module, key] : process.modules) judge_key(module, key);
  }
  Judgement judgement;
  for (auto& [target, finding] : by_target) {
    if (*finding.count > 1) finding.message += fmt::format(" (and {} alike)", *finding.count - 1);
    judgement.findings.push_back(std::move(finding));
  }
  std::string doubt = doubt_about_kernels(facts);
  if (doubt.empty() && !any_known) doubt = "no event says what the modules were built for, and for which device";
  if (doubt.empty() && any_unknown) doubt = "some modules do not say what they were built for";
  return concluded(std::move(judgement), doubt);
}

}  // namespace smgate::contract
