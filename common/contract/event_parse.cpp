// Lines are read by simdjson's DOM: a million events take well under a second of parsing.
#include <simdjson.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/contract/event.hpp"
#include "common/contract/event_fields.hpp"
#include "common/contract/event_repair.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

namespace dom = simdjson::dom;

// Thrown inside this file only; parse_event turns it into an Error.
struct BadField {
  std::string field, what;
};

bool is_one_of(std::string_view words, std::string_view word) {
  for (std::size_t start = 0; start < words.size();) {
    const std::size_t end = std::min(words.find(' ', start), words.size());
    if (words.substr(start, end - start) == word) return true;
    start = end + 1;
  }
  return false;
}

std::optional<double> float_by_name(std::string_view word) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (word == "NaN" || word == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (word == "Infinity" || word == "inf" || word == "Inf") return kInfinity;
  if (word == "-Infinity" || word == "-inf" || word == "-Inf") return -kInfinity;
  return std::nullopt;
}

// Reads the fields that event_fields.hpp names out of one object; counts them, so that a field nobody asked for shows.
class FieldReader {
 public:
  explicit FieldReader(dom::object object, std::string prefix = "") : object_(object), prefix_(std::move(prefix)) {}

  void operator()(std::string_view name, std::string& to, TextRule rule) {
    const std::optional<std::string_view> text = text_of(name, rule.need);
    if (!text) return;
    if (text->empty() && rule.need == Need::required && !rule.cut) refuse(name, "is empty");
    if (text->size() > rule.bytes_max && !rule.cut)
      refuse(name, fmt::format("has {} bytes; the limit is {}", text->size(), rule.bytes_max));
    to = cut_utf8(*text, rule.bytes_max);
  }
  void operator()(std::string_view name, std::string& to, Choice choice) {
    const std::optional<std::string_view> text = text_of(name, choice.need);
    if (!text) return;
    if (!is_one_of(choice.words, *text)) refuse(name, fmt::format("is \"{}\", none of: {}", *text, choice.words));
    to = *text;
  }
  void operator()(std::string_view name, std::string& to, RawObject) {
    const std::optional<dom::element> value = find(name, Need::optional);
    if (!value) return;
    if (!value->is_object()) refuse(name, "must be an object");
    to = simdjson::to_string(*value);
  }
  void operator()(std::string_view name, std::string& to, Hex) {
    const std::optional<std::string_view> text = text_of(name, Need::optional);
    if (!text) return;
    if (text->size() > 32 || text->find_first_not_of("0123456789abcdef") != std::string_view::npos)
      refuse(name, "must be up to 32 lower-case hex digits");
    to = *text;
  }
  void operator()(std::string_view name, std::string& to, ArchName) {
    const std::optional<std::string_view> text = text_of(name, Need::optional);
    if (!text) return;
    std::string_view digits = text->starts_with("sm_") ? text->substr(3) : "";
    if (digits.ends_with('a') || digits.ends_with('f')) digits.remove_suffix(1);
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
      refuse(name, fmt::format("is \"{}\", not an architecture as sm_89", *text));
    to = *text;
  }
  void operator()(std::string_view name, bool& to) { to = bool_of(name, *find(name, Need::required)); }
  void operator()(std::string_view name, std::optional<bool>& to) {
    if (const auto value = find(name, Need::optional)) to = bool_of(name, *value);
  }
  void operator()(std::string_view name, std::uint64_t& to) { to = count_of_field(name, *find(name, Need::required)); }
  void operator()(std::string_view name, std::optional<std::uint64_t>& to) {
    if (const auto value = find(name, Need::optional)) to = count_of_field(name, *value);
  }
  void operator()(std::string_view name, std::optional<double>& to, Need need = Need::optional) {
    if (const auto value = find(name, need)) to = float_of(name, *value);
  }
  void operator()(std::string_view name, std::vector<std::string>& to) {
    for (const dom::element item : list_of(name)) {
      std::string_view text;
      if (item.get(text) != simdjson::SUCCESS || text.empty() || text.size() > kDigest.bytes_max)
        refuse(name, fmt::format("item {} is not a digest", to.size()));
      to.emplace_back(text);
    }
  }
  void operator()(std::string_view name, std::vector<std::int64_t>& to) {
    for (const dom::element item : list_of(name)) {
      std::int64_t value = 0;
      if (item.get(value) != simdjson::SUCCESS) refuse(name, fmt::format("item {} is not an integer", to.size()));
      to.push_back(value);
    }
  }
  void operator()(std::string_view name, std::optional<BatchSummary>& to) {
    const std::optional<dom::element> value = find(name, Need::optional);
    if (!value) return;
    dom::object object;
    if (value->get(object) != simdjson::SUCCESS) refuse(name, "must be an object");
    FieldReader reader(object, std::string(name) + ".");
    fields(reader, to.emplace());
    reader.finish();
  }
  Source source() {
    const std::string_view text = *text_of("source", Need::required);
    for (const Source source : {Source::self, Source::adapter, Source::runner, Source::probe})
      if (text == to_string(source)) return source;
    refuse("source", fmt::format("is \"{}\", none of: self adapter runner probe", text));
  }
  std::string_view event_name() { return *text_of("ev", Need::required); }

  // Every field is known, or the workload's own (x_...).
  void finish() {
    if (found_ == object_.size()) return;
    std::size_t others = 0;
    for (const dom::key_value_pair field : object_) others += field.key.starts_with("x_") ? 1 : 0;
    if (found_ + others == object_.size()) return;
    for (const dom::key_value_pair field : object_)
      if (!field.key.starts_with("x_") && !was_asked_for(field.key))
        refuse(field.key, "is not a field of this event (name your own x_...)");
    refuse("", "a field stands there twice");
  }

 private:
  static constexpr std::size_t kFieldsMax = 32;  // the event with most has 19

  bool was_asked_for(std::string_view name) const {
    const auto end = asked_.begin() + static_cast<std::ptrdiff_t>(asked_count_);
    return std::find(asked_.begin(), end, name) != end;
  }
  [[noreturn]] void refuse(std::string_view field, std::string what) const {
    throw BadField{prefix_ + std::string(field), std::move(what)};
  }
  std::optional<dom::element> find(std::string_view name, Need need) {
    if (asked_count_ < asked_.size()) asked_[asked_count_++] = name;
    dom::element value;
    if (object_.at_key(name).get(value) == simdjson::SUCCESS) {
      ++found_;
      return value;
    }
    if (need == Need::required) refuse(name, "is missing");
    return std::nullopt;
  }
  std::optional<std::string_view> text_of(std::string_view name, Need need) {
    const std::optional<dom::element> value = find(name, need);
    if (!value) return std::nullopt;
    std::string_view text;
    if (value->get(text) != simdjson::SUCCESS) refuse(name, "must be a string");
    return text;
  }
  bool bool_of(std::string_view name, dom::element value) const {
    bool is = false;
    if (value.get(is) != simdjson::SUCCESS) refuse(name, "must be true or false");
    return is;
  }
  std::uint64_t count_of_field(std::string_view name, dom::element value) const {
    std::uint64_t count = 0;
    if (value.get(count) == simdjson::SUCCESS) return count;
    double number = 0;  // some languages print whole floats
    constexpr double kExactMax = 9007199254740992;
    if (value.is_double() && value.get(number) == simdjson::SUCCESS && number >= 0 && number <= kExactMax &&
        std::floor(number) == number)
      return static_cast<std::uint64_t>(number);
    refuse(name, fmt::format("is {}, not an integer from 0", std::string(simdjson::to_string(value))));
  }
  double float_of(std::string_view name, dom::element value) const {
    double number = 0;
    if (value.get(number) == simdjson::SUCCESS) return number;
    std::string_view word;
    if (value.get(word) == simdjson::SUCCESS)
      if (const std::optional<double> named = float_by_name(word)) return *named;
    refuse(name, "must be a number, or one of NaN, Infinity, -Infinity");
  }
  dom::array list_of(std::string_view name) {
    const std::optional<dom::element> value = find(name, Need::optional);
    dom::array list;
    if (!value) return empty_list();
    if (value->get(list) != simdjson::SUCCESS) refuse(name, "must be a list");
    if (list.size() > kPositionsMax) refuse(name, fmt::format("has more than {} items: send a summary", kPositionsMax));
    return list;
  }
  static dom::array empty_list() {
    static thread_local dom::parser parser;
    return parser.parse(std::string_view("[]")).get_array().value();
  }

  dom::object object_;
  std::string prefix_;
  std::array<std::string_view, kFieldsMax> asked_;
  std::size_t asked_count_ = 0, found_ = 0;
};

template <std::size_t I = 0>
void read_body(std::string_view name, FieldReader& reader, EventBody& body) {
  if constexpr (I == std::variant_size_v<EventBody>) {
    throw BadField{"ev", fmt::format("is \"{}\", which is no event", name)};
  } else {
    if (name == kEventNames[I]) return fields(reader, body.emplace<I>());
    read_body<I + 1>(name, reader, body);
  }
}

Event read_event(dom::object object) {
  FieldReader reader(object);
  Event event;
  const std::string_view name = reader.event_name();
  reader("seq", event.seq), reader("t_ns", event.t_ns), reader("pid", event.pid), reader("rank", event.rank);
  event.source = reader.source();
  read_body(name, reader, event.body);
  reader.finish();
  if (const Batch* batch = std::get_if<Batch>(&event.body); batch && batch->inputs.size() != batch->labels.size())
    throw BadField{"labels", fmt::format("has {} items, inputs has {}", batch->labels.size(), batch->inputs.size())};
  return event;
}

// Where the field's name stands as a name, not as a value; empty where it does not.
std::string column_of(std::string_view line, const std::string& field) {
  const std::string quoted = "\"" + field.substr(field.rfind('.') + 1) + "\"";
  for (std::size_t at = line.find(quoted); at != std::string_view::npos; at = line.find(quoted, at + 1)) {
    const std::size_t next = line.find_first_not_of(" \t", at + quoted.size());
    if (next != std::string_view::npos && line[next] == ':') return fmt::format(" (column {})", at + 1);
  }
  return "";
}

Error field_error(std::string_view line, const BadField& bad) {
  const std::string where = column_of(line, bad.field);
  return {fmt::format("field \"{}\"{} {}", bad.field, where, bad.what), "",
          "schemas/event.schema.json says what may be"};
}

Error syntax_error(const std::string& line) {
  try {
    [[maybe_unused]] const nlohmann::json parsed = nlohmann::json::parse(line);
  } catch (const nlohmann::json::parse_error& error) {
    const std::string near(cut_utf8(std::string_view(line).substr(std::min(error.byte, line.size())), 40));
    return {fmt::format("not JSON at column {}, before \"{}\"", error.byte, near), "", "one JSON object a line"};
  } catch (const nlohmann::json::out_of_range&) {
    return {"a number is beyond what a double holds", "", "write what is not finite as NaN, Infinity or -Infinity"};
  }
  return {"not a JSON object", "", "one JSON object a line"};
}

Result<Event> try_parse(std::string_view line, bool& is_json) {
  static thread_local dom::parser parser;
  dom::object object;
  is_json = parser.parse(line.data(), line.size()).get(object) == simdjson::SUCCESS;
  if (!is_json) return Error{"", "", ""};
  try {
    return read_event(object);
  } catch (const BadField& bad) {
    return field_error(line, bad);
  }
}

}  // namespace

std::string_view to_string(Source source) {
  switch (source) {
    case Source::self:
      return "self";
    case Source::adapter:
      return "adapter";
    case Source::runner:
      return "runner";
    case Source::probe:
      return "probe";
  }
  return "";
}

Result<Event> parse_event(std::string_view line) {
  if (line.size() > kEventLineBytesMax)
    return Error{fmt::format("a line of {} bytes; the limit is {}", line.size(), kEventLineBytesMax), "",
                 "send large batches as a summary"};
  bool is_json = false;
  Result<Event> event = try_parse(line, is_json);
  if (is_json) return event;
  const std::string repaired = repair_json(line);
  event = try_parse(repaired, is_json);
  return is_json ? event : syntax_error(repaired);
}

}  // namespace smgate::contract
