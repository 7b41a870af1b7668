// Logs of any program through any adapter: never a crash, the same events however the log is cut, every event a line
// that can be read, and never a pass. The first line of an input names the adapter; the environment variable
// SMGATE_FUZZ_ADAPTER chooses one for all inputs.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/contract/adapters/adapter.hpp"
#include "common/contract/fold.hpp"
#include "common/contract/judge.hpp"

namespace {

using namespace smgate::contract;

const Patterns kPatterns = {{"compile", {R"(built (?P<key>\S+)(?: for (?P<target>\S+))?(?: of (?P<bytes>\S+))?)"}},
                            {"load", {R"(load (?P<module>\S*))"}},
                            {"prewarm_end", {R"(warm (?P<scope>\S*))"}},
                            {"run_start", {R"(on (?P<arch>\S+) lr (?P<learning_rate>\S+))"}},
                            {"step_from_1", {R"(step (?P<step>\S+) loss (?P<loss>\S+))"}}};

AdapterSpec spec_of(std::string_view first_line) {
  static const char* const chosen = std::getenv("SMGATE_FUZZ_ADAPTER");
  const std::string_view wanted = chosen != nullptr ? chosen : first_line;
  for (const AdapterInfo& info : adapters())
    if (info.name == wanted) return {std::string(wanted), wanted == "regex" ? kPatterns : Patterns{}, ""};
  return {"aprender", {}, ""};
}

std::string read(const AdapterSpec& spec, std::string_view log, std::size_t chunk, Facts& facts) {
  std::string lines;
  Adapter adapter(spec, "log", [&](const Event& event) {
    const std::string line = to_json_line(event);
    if (!parse_event(line)) std::abort();
    lines += line + "\n";
    fold(facts, event);
  });
  for (; !log.empty(); log.remove_prefix(std::min(chunk, log.size()))) adapter.feed(log.substr(0, chunk));
  adapter.finish();
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const AdapterSpec spec = spec_of(text.substr(0, text.find('\n')));
  Facts facts, again;
  if (read(spec, text, size + 1, facts) != read(spec, text, 1 + size % 13, again)) std::abort();
  if (judge(facts, {}).verdict == Verdict::pass) std::abort();
  return 0;
}
