#include "common/contract/adapters/registry.hpp"

#include <algorithm>
#include <array>

#include "common/contract/adapters/adapter.hpp"
#include "common/contract/adapters/aprender.hpp"
#include "common/contract/adapters/deepgemm.hpp"
#include "common/contract/adapters/hf_trainer.hpp"
#include "common/contract/adapters/jax.hpp"
#include "common/contract/adapters/llm_c.hpp"
#include "common/contract/adapters/megatron.hpp"
#include "common/contract/adapters/nanogpt.hpp"
#include "common/contract/adapters/patterns.hpp"
#include "common/contract/adapters/torchtitan.hpp"
#include "common/contract/adapters/vllm.hpp"

namespace smgate::contract {
namespace {

struct Entry {
  AdapterInfo info;
  std::unique_ptr<LogReader> (*make)(LogOutput& out);  // null: its patterns are all there is
};

template <class Reader>
constexpr Entry entry(std::string_view name) {
  return {{name, Reader::kReads, Reader::kCannotKnow}, make_reader<Reader>};
}

constexpr std::array kEntries = {entry<Aprender>("aprender"),
                                 entry<DeepGemm>("deepgemm"),
                                 entry<HfTrainer>("hf-trainer"),
                                 entry<Jax>("jax"),
                                 entry<LlmC>("llm.c"),
                                 entry<Megatron>("megatron"),
                                 entry<NanoGpt>("nanogpt"),
                                 Entry{{"regex", PatternReader::kReads, PatternReader::kCannotKnow}, nullptr},
                                 entry<Torchtitan>("torchtitan"),
                                 entry<Vllm>("vllm")};

const Entry* find(std::string_view name) {
  const auto found =
      std::find_if(kEntries.begin(), kEntries.end(), [&](const Entry& e) { return e.info.name == name; });
  return found == kEntries.end() ? nullptr : &*found;
}

}  // namespace

bool is_adapter(std::string_view name) { return find(name) != nullptr; }

std::vector<AdapterInfo> adapters() {
  std::vector<AdapterInfo> list;
  for (const Entry& entry : kEntries) list.push_back(entry.info);
  return list;
}

std::vector<std::unique_ptr<LogReader>> make_readers(const AdapterSpec& spec, const PatternSet& patterns,
                                                     LogOutput& out) {
  std::vector<std::unique_ptr<LogReader>> readers;
  if (const Entry* entry = find(spec.name); entry != nullptr && entry->make != nullptr)
    readers.push_back(entry->make(out));
  if (!patterns.empty()) readers.push_back(std::make_unique<PatternReader>(out, patterns));
  return readers;
}

}  // namespace smgate::contract
