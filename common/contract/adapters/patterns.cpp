#include "common/contract/adapters/patterns.hpp"

#include <re2/re2.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "common/contract/event_fields.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kPatternBytesMax = 4096;  // written by hand
constexpr int kGroupsMax = 32;                  // more than any event has fields
constexpr std::int64_t kMemoryMax = 1 << 20;    // of one compiled pattern and its automaton
constexpr std::uint64_t kNotesMax = 16;
// Settings that run_start's config knows by name (event.schema.json).
constexpr std::array<std::string_view, 8> kSettings = {"steps",         "batch_size", "seq_len", "seed",
                                                       "learning_rate", "math_mode",  "alpha",   "temperature"};

// What a log that names no scope and no cache is about.
constexpr const char* kScope = "run";
constexpr const char* kCache = "log";

struct Kind {
  std::string_view name;
  EventBody (*body)();  // with what the kind itself says
};

Lookup lookup(bool hit) {
  Lookup body;
  body.scope = kScope;
  body.cache = kCache;
  body.hit = hit;
  return body;
}
Compile compile(bool ok) {
  Compile body;
  body.cache = kCache;
  body.ok = ok;
  return body;
}
template <class Mark>
Mark in_scope() {
  Mark mark;
  mark.scope = kScope;
  return mark;
}
Offer offer() {
  Offer body = in_scope<Offer>();
  body.cache = kCache;
  return body;
}
template <class Body>
Body cached() {
  Body body;
  body.cache = kCache;
  return body;
}

constexpr std::array kKinds = {
    Kind{"alloc", [] { return EventBody(Alloc{}); }},
    Kind{"checkpoint", [] { return EventBody(Checkpoint{}); }},
    Kind{"compile", [] { return EventBody(compile(true)); }},
    Kind{"compile_failed", [] { return EventBody(compile(false)); }},
    Kind{"error", [] { return EventBody(ErrorText{}); }},
    Kind{"hit", [] { return EventBody(lookup(true)); }},
    Kind{"load", [] { return EventBody(cached<Load>()); }},
    Kind{"memory", [] { return EventBody(Memory{}); }},
    Kind{"miss", [] { return EventBody(lookup(false)); }},
    Kind{"offer", [] { return EventBody(offer()); }},
    Kind{"payload_begin", [] { return EventBody(in_scope<PayloadBegin>()); }},
    Kind{"payload_end", [] { return EventBody(in_scope<PayloadEnd>()); }},
    Kind{"prewarm_begin", [] { return EventBody(in_scope<PrewarmBegin>()); }},
    Kind{"prewarm_end", [] { return EventBody(in_scope<PrewarmEnd>()); }},
    Kind{"run_end",
         [] {
           return EventBody(RunEnd{"ok", ""});
         }},
    Kind{"run_failed",
         [] {
           return EventBody(RunEnd{"failed", ""});
         }},
    Kind{"run_start", [] { return EventBody(RunStart{}); }},
    Kind{"step", [] { return EventBody(Step{}); }},
    Kind{"step_from_1", [] { return EventBody(Step{}); }},
    Kind{"unload", [] { return EventBody(cached<Unload>()); }},
};

const Kind* find_kind(std::string_view name) {
  const auto found = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& kind) { return kind.name == name; });
  return found == kKinds.end() ? nullptr : &*found;
}

// Names the fields of an event that text can give, and those that it needs and the kind does not say.
struct FieldNames {
  std::vector<std::string_view> known, needed;

  void operator()(std::string_view name, const std::string& value, TextRule rule) {
    known.push_back(name);
    // The whole line is an error's text, and a module is known by its key.
    const bool given = name == "text" || name == "module";
    if (rule.need == Need::required && value.empty() && !given) needed.push_back(name);
  }
  void operator()(std::string_view name, const std::string&, Choice choice) {
    if (choice.need == Need::optional) known.push_back(name);
  }
  void operator()(std::string_view name, const std::string&, Hex) { known.push_back(name); }
  void operator()(std::string_view name, const std::string&, ArchName) { known.push_back(name); }
  void operator()(std::string_view, const std::string&, RawObject) {}
  void operator()(std::string_view, bool) {}  // the kind says it
  void operator()(std::string_view name, std::uint64_t) {
    known.push_back(name);
    if (name != "step") needed.push_back(name);  // steps that bear no number are counted
  }
  template <class T>
  void operator()(std::string_view name, const std::optional<T>&, Need = Need::optional) {
    if constexpr (!std::is_same_v<T, BatchSummary>) known.push_back(name);
  }
  template <class T>
  void operator()(std::string_view, const std::vector<T>&) {}
};

FieldNames fields_of(const Kind& kind) {
  EventBody body = kind.body();
  FieldNames names;
  std::visit([&](auto& of_kind) { fields(names, of_kind); }, body);
  if (kind.name == "run_start") names.known.insert(names.known.end(), kSettings.begin(), kSettings.end());
  return names;
}

bool holds(const std::vector<std::string_view>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

RE2::Options options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMemoryMax);
  return options;
}

// The values of a match's named groups; a group that took no part is absent.
using Groups = std::map<std::string_view, std::string_view>;

// Puts groups into the fields of an event; remembers the first that does not fit.
struct FieldFiller {
  const Groups& groups;
  std::string_view line;
  std::string unfit;

  void operator()(std::string_view name, std::string& to, TextRule rule) {
    if (const auto text = group(name)) to = cut_utf8(*text, rule.bytes_max);
    if (name == "text" && to.empty()) to = line;
  }
  void operator()(std::string_view name, std::string& to, Choice choice) {
    const auto text = group(name);
    if (!text) return;
    const bool known =
        (" " + std::string(choice.words) + " ").find(" " + std::string(*text) + " ") != std::string::npos;
    known ? void(to = *text) : refuse(name, *text);
  }
  void operator()(std::string_view name, std::string& to, Hex) {
    const auto text = group(name);
    if (!text) return;
    const bool hex = text->size() <= 32 && text->find_first_not_of("0123456789abcdef") == std::string_view::npos;
    hex ? void(to = *text) : refuse(name, *text);
  }
  void operator()(std::string_view name, std::string& to, ArchName) {
    const auto text = group(name);
    if (!text) return;
    is_arch_name(*text) ? void(to = *text) : refuse(name, *text);
  }
  void operator()(std::string_view, std::string&, RawObject) {}
  void operator()(std::string_view, bool&) {}
  void operator()(std::string_view name, std::uint64_t& to) {
    const auto text = group(name);
    if (!text) return;
    const std::optional<std::uint64_t> count = count_in(*text);
    count ? void(to = *count) : refuse(name, *text);
  }
  void operator()(std::string_view name, std::optional<std::uint64_t>& to) {
    if (const auto text = group(name)) to = count_in(*text);
  }
  void operator()(std::string_view name, std::optional<double>& to, Need = Need::optional) {
    if (const auto text = group(name)) to = float_in(*text);
  }
  template <class T>
  void operator()(std::string_view, T&) {}

 private:
  std::optional<std::string_view> group(std::string_view name) const {
    const auto found = groups.find(name);
    return found == groups.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
  }
  void refuse(std::string_view name, std::string_view text) {
    if (unfit.empty()) unfit = fmt::format("{} cannot be \"{}\"", name, cut_utf8(text, 100));
  }
};

// What a kind says beyond the fields of its event.
void complete(const Kind& kind, const Groups& groups, std::uint64_t& steps, EventBody& body, std::string& unfit) {
  if (Step* step = std::get_if<Step>(&body)) {
    if (!groups.contains("step")) step->step = steps;
    const bool from_1 = kind.name == "step_from_1" && groups.contains("step") && unfit.empty();
    if (from_1 && step->step-- == 0) unfit = "step cannot be 0";
    if (unfit.empty()) steps = step->step + 1;
  }
  if (Load* load = std::get_if<Load>(&body); load && load->module.empty()) load->module = cut_utf8(load->key, 128);
  if (Unload* unload = std::get_if<Unload>(&body); unload && unload->module.empty())
    unload->module = cut_utf8(unload->key, 128);
  const auto nameless = [](const auto* of_module) { return of_module != nullptr && of_module->module.empty(); };
  if (nameless(std::get_if<Load>(&body)) || nameless(std::get_if<Unload>(&body))) unfit = "module and key are empty";
  if (RunStart* start = std::get_if<RunStart>(&body)) {
    RunConfig config;
    for (const std::string_view setting : kSettings)
      if (const auto group = groups.find(setting); group != groups.end())
        config.set(std::string(setting), group->second);
    start->config_json = config.json();
  }
}

}  // namespace

struct PatternSet::Pattern {
  Pattern(const Kind& of_kind, const std::string& text) : kind(of_kind), regex(text, options()) {}
  const Kind& kind;
  RE2 regex;
};

PatternSet::PatternSet(const Patterns& patterns) {
  for (const auto& [kind, texts] : patterns)
    for (const std::string& text : texts)
      if (mistake_in_pattern(kind, text).empty())
        patterns_.push_back(std::make_unique<const Pattern>(*find_kind(kind), text));
}
PatternSet::~PatternSet() = default;

bool is_pattern_kind(std::string_view kind) { return find_kind(kind) != nullptr; }

std::vector<std::string_view> pattern_kinds() {
  std::vector<std::string_view> names;
  for (const Kind& kind : kKinds) names.push_back(kind.name);
  return names;
}

std::string mistake_in_pattern(std::string_view kind_name, const std::string& pattern) {
  const Kind* kind = find_kind(kind_name);
  if (kind == nullptr) return fmt::format("is no kind of event; known: {}", fmt::join(pattern_kinds(), ", "));
  if (pattern.empty() || pattern.size() > kPatternBytesMax)
    return fmt::format("must have 1 to {} bytes", kPatternBytesMax);
  const RE2 regex(pattern, options());
  if (!regex.ok()) return fmt::format("is no regular expression of RE2: {}", regex.error());
  if (regex.NumberOfCapturingGroups() > kGroupsMax) return fmt::format("has more than {} groups", kGroupsMax);
  const FieldNames names = fields_of(*kind);
  for (const auto& [group, index] : regex.NamedCapturingGroups())
    if (!holds(names.known, group))
      return fmt::format("group \"{}\" is no field of {}; its fields: {}", group, kind_name,
                         fmt::join(names.known, ", "));
  for (const std::string_view name : names.needed)
    if (!regex.NamedCapturingGroups().contains(std::string(name)))
      return fmt::format("{} needs a group (?P<{}>...)", kind_name, name);
  const bool moves_a_module = kind_name == "load" || kind_name == "unload";
  if (moves_a_module && !regex.NamedCapturingGroups().contains("module") &&
      !regex.NamedCapturingGroups().contains("key"))
    return fmt::format("{} needs a group (?P<module>...) or (?P<key>...)", kind_name);
  return "";
}

void PatternReader::on_line(std::string_view line) {
  for (const auto& pattern : patterns_.all()) on_match(*pattern, line);
}

void PatternReader::on_match(const PatternSet::Pattern& pattern, std::string_view line) {
  std::array<re2::StringPiece, kGroupsMax + 1> matched;
  const int count = pattern.regex.NumberOfCapturingGroups() + 1;
  const re2::StringPiece text(line.data(), line.size());
  if (!pattern.regex.Match(text, 0, line.size(), RE2::UNANCHORED, matched.data(), count)) return;
  Groups groups;
  for (const auto& [name, index] : pattern.regex.NamedCapturingGroups())
    if (const re2::StringPiece& group = matched[static_cast<std::size_t>(index)]; group.data() != nullptr)
      groups[name] = {group.data(), group.size()};
  const std::string at = out_.at();
  groups.try_emplace("at", at);
  EventBody body = pattern.kind.body();
  FieldFiller filler{groups, line, ""};
  std::visit([&](auto& of_kind) { fields(filler, of_kind); }, body);
  // What a group left empty is missing, whatever the pattern promised.
  FieldNames left;
  std::visit([&](auto& of_kind) { fields(left, of_kind); }, body);
  for (const std::string_view name : left.needed)
    if (filler.unfit.empty() && (!groups.contains(name) || groups.at(name).empty()))
      filler.unfit = fmt::format("{} is empty", name);
  complete(pattern.kind, groups, steps_, body, filler.unfit);
  if (filler.unfit.empty()) return out_.emit(std::move(body));
  if (notes_++ < kNotesMax)
    out_.emit(Note{fmt::format("the pattern of {} matched, but {}", pattern.kind.name, filler.unfit), at});
}

}  // namespace smgate::contract
