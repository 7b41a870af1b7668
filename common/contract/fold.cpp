#include "common/contract/fold.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <queue>

#include "common/contract/fold_parts.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr int kConfigDepthMax = 8;  // nested deeper it is data, not configuration

void flatten(const nlohmann::json& value, const std::string& path, int depth,
             std::map<std::string, std::string>& into) {
  if (into.size() >= kConfigMax) return;
  if (!value.is_object() || depth >= kConfigDepthMax) {
    into[path] = value.dump();
    return;
  }
  for (const auto& [name, child] : value.items())
    flatten(child, path.empty() ? name : path + "." + name, depth + 1, into);
}

// Null where there are more processes than a host runs.
Process* process_of(Facts& facts, const Event& event) {
  const ProcessId id{event.rank, event.pid};
  const auto found = facts.processes.find(id);
  if (found != facts.processes.end()) return &found->second;
  if (facts.processes.size() >= kProcessesMax) {
    ++facts.left_out;
    return nullptr;
  }
  return &facts.processes[id];
}

void count_seq(Process& process, const Event& event) {
  const std::string_view source = to_string(event.source);
  auto found = process.next_seq.find(source);
  if (found == process.next_seq.end()) found = process.next_seq.emplace(source, 0).first;
  std::uint64_t& next = found->second;
  if (event.seq < next) {
    ++process.events_out_of_order;
    return;
  }
  process.events_missing += event.seq - next;
  next = event.seq + 1;
}

}  // namespace

void fold(Facts& facts, const Event& event) {
  ++facts.events;
  Process* process = process_of(facts, event);
  if (process == nullptr) return;
  count_seq(*process, event);
  Fold part{facts, *process, event};
  std::visit([&](const auto& body) { fold_part(part, body); }, event.body);
}

void fold_unreadable(Facts& facts, const Error& error) {
  if (facts.unreadable++ == 0) facts.first_unreadable = error.text();
}

Scope* scope_named(Fold& fold, const std::string& name) {
  auto& scopes = fold.process.scopes;
  const auto found = scopes.find(name);
  if (found != scopes.end()) return &found->second;
  if (scopes.size() >= kScopesMax) {
    ++fold.facts.left_out;
    return nullptr;
  }
  return &scopes[name];
}

void fold_part(Fold& fold, const RunStart& start) {
  std::optional<Start>& kept = fold.process.start;
  const bool warm = start.cold == false || (kept && kept->cold == false);  // stays true, whoever says it
  // A probe may speak before the workload does; the workload knows better.
  if (kept && !(kept->ref.source == Source::probe && fold.event.source == Source::self)) {
    if (warm) kept->cold = false;
    return;
  }
  kept = Start{start.workload, start.version, start.arch,        start.device, start.compiler, {},
               start.emulated, start.cold,    fold.ref(start.at)};
  const nlohmann::json config = nlohmann::json::parse(start.config_json, nullptr, false);
  if (config.is_object()) flatten(config, "", 0, kept->config);
  if (warm) kept->cold = false;
}

void fold_part(Fold& fold, const RunEnd& end) {
  if (fold.process.end && fold.process.end->status != "ok") return;
  fold.process.end = end;
  fold.process.end_ref = fold.ref(end.at);
}

void fold_part(Fold& fold, const ErrorText& error) {
  ++fold.process.error_count;
  keep_sample(fold.process.errors, Symptom{error.text, fold.ref(error.at)});
}

void fold_part(Fold&, const Note&) {}

void merge(std::vector<EventSource> files, const std::function<void(const Event&)>& sink) {
  struct Head {
    Event event;
    std::size_t file;
  };
  const auto later = [](const Head& a, const Head& b) {
    return std::tie(a.event.t_ns, a.file, a.event.seq) > std::tie(b.event.t_ns, b.file, b.event.seq);
  };
  std::vector<Head> heads;  // a heap
  const auto pull = [&](std::size_t file) {
    std::optional<Event> event = files[file]();
    if (!event) return;
    heads.push_back({std::move(*event), file});
    std::push_heap(heads.begin(), heads.end(), later);
  };
  for (std::size_t file = 0; file < files.size(); ++file) pull(file);
  while (!heads.empty()) {
    std::pop_heap(heads.begin(), heads.end(), later);
    const Head head = std::move(heads.back());
    heads.pop_back();
    sink(head.event);
    pull(head.file);
  }
}

}  // namespace smgate::contract
