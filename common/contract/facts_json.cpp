#include "common/contract/facts_json.hpp"

#include <spdlog/fmt/fmt.h>

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/base64.hpp"
#include "common/contract/facts_fields.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::size_t kPointBytes = 16;

// Thrown inside this file only.
struct BadFacts {
  std::string what;
};

// --- points: 16 little-endian bytes each, in base 64
template <class Bits>
void append_bits(std::string& bytes, Bits bits) {
  for (std::size_t i = 0; i < sizeof(Bits); ++i) bytes += static_cast<char>((bits >> (8 * i)) & 0xFFU);
}
template <class Bits>
Bits take_bits(std::string_view bytes, std::size_t at) {
  Bits bits = 0;
  for (std::size_t i = 0; i < sizeof(Bits); ++i)
    bits |= static_cast<Bits>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return bits;
}

json save(const std::vector<Point>& points) {
  std::string bytes;
  bytes.reserve(points.size() * kPointBytes);
  for (const Point& point : points) {
    append_bits(bytes, std::bit_cast<std::uint64_t>(point.loss));
    append_bits(bytes, std::bit_cast<std::uint32_t>(point.grad_norm));
    append_bits(bytes, std::bit_cast<std::uint32_t>(point.ms));
  }
  return base64_encode(bytes);
}
void load(const json& from, std::vector<Point>& points) {
  const std::optional<std::string> bytes = base64_decode(from.get<std::string>());
  if (!bytes || bytes->size() % kPointBytes != 0) throw BadFacts{"\"points\" is no list of 16-byte points"};
  for (std::size_t at = 0; at < bytes->size(); at += kPointBytes)
    points.push_back({std::bit_cast<double>(take_bits<std::uint64_t>(*bytes, at)),
                      std::bit_cast<float>(take_bits<std::uint32_t>(*bytes, at + 8)),
                      std::bit_cast<float>(take_bits<std::uint32_t>(*bytes, at + 12))});
}

// --- single values. What equals its default is left out, by the writer below.
json save(const std::string& value) { return value; }
json save(std::uint64_t value) { return value; }
json save(bool value) { return value; }
json save(double value) { return std::isfinite(value) ? json(value) : json(shortest(value)); }
json save(Source value) { return to_string(value); }
void load(const json& from, std::string& to) { to = from.get<std::string>(); }
void load(const json& from, std::uint64_t& to) { to = from.get<std::uint64_t>(); }
void load(const json& from, bool& to) { to = from.get<bool>(); }
void load(const json& from, double& to) {
  if (from.is_number())
    to = from.get<double>();
  else
    to = from == "NaN" ? NAN : from == "Infinity" ? HUGE_VAL : -HUGE_VAL;
}
void load(const json& from, Source& to) {
  for (const Source source : {Source::self, Source::adapter, Source::runner, Source::probe})
    if (from == to_string(source)) to = source;
}

std::string name_of(const std::string& key) { return key; }
std::string name_of(const ProcessId& id) { return fmt::format("{}.{}", id.rank, id.pid); }
void load_name(const std::string& name, std::string& to) { to = name; }
void load_name(const std::string& name, ProcessId& to) {
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) throw BadFacts{"\"" + name + "\" names no process"};
  to = {std::stoull(name.substr(0, dot)), std::stoull(name.substr(dot + 1))};
}

// Declared first, for they call each other through nesting.
template <class T>
json save(const T& value);
template <class T>
json save(const std::vector<T>& values);
template <class K, class T, class C>
json save(const std::map<K, T, C>& values);
template <class T>
void load(const json& from, T& to);
template <class T>
void load(const json& from, std::optional<T>& to);
template <class T>
void load(const json& from, std::vector<T>& to);
template <class K, class T, class C>
void load(const json& from, std::map<K, T, C>& to);

json save(const std::pair<std::string, std::string>& value) { return {value.first, value.second}; }
void load(const json& from, std::pair<std::string, std::string>& to) {
  to = {from.at(0).get<std::string>(), from.at(1).get<std::string>()};
}

struct Writer {
  json object = json::object();
  template <class T>
  void operator()(const char* name, const T& value) {
    if (!(value == T{})) object[name] = save(value);
  }
  template <class T>
  void operator()(const char* name, const std::optional<T>& value) {
    if (value) object[name] = save(*value);
  }
  void operator()(const char* name, const std::vector<Point>& points) {
    if (!points.empty()) object[name] = save(points);
  }
};

struct Reader {
  const json& object;
  template <class T>
  void operator()(const char* name, T& value) {
    if (const auto found = object.find(name); found != object.end()) load(*found, value);
  }
};

template <class T>
json save(const T& value) {
  Writer writer;
  keep(writer, value);
  return std::move(writer.object);
}
template <class T>
json save(const std::vector<T>& values) {
  json list = json::array();
  for (const T& value : values) list.push_back(save(value));
  return list;
}
template <class K, class T, class C>
json save(const std::map<K, T, C>& values) {
  json object = json::object();
  for (const auto& [key, value] : values) object[name_of(key)] = save(value);
  return object;
}
template <class T>
void load(const json& from, T& to) {
  Reader reader{from};
  keep(reader, to);
}
template <class T>
void load(const json& from, std::optional<T>& to) {
  load(from, to.emplace());
}
template <class T>
void load(const json& from, std::vector<T>& to) {
  for (const json& item : from) load(item, to.emplace_back());
}
template <class K, class T, class C>
void load(const json& from, std::map<K, T, C>& to) {
  for (const auto& [name, value] : from.items()) {
    K key;
    load_name(name, key);
    load(value, to[key]);
  }
}

}  // namespace

json to_json(const Facts& facts) {
  json document = save(facts);
  document["version"] = kVersion;
  return document;
}

Result<Facts> facts_from_json(const json& document) {
  if (!document.is_object() || document.value("version", 0) != kVersion)
    return Error{fmt::format("no facts of version {}", kVersion), "", "fold the run's events again"};
  try {
    Facts facts;
    load(document, facts);
    return facts;
  } catch (const BadFacts& bad) {
    return Error{bad.what, "facts", "fold the run's events again"};
  } catch (const json::exception& error) {
    return Error{error.what(), "facts", "fold the run's events again"};
  } catch (const std::logic_error& error) {  // std::stoull
    return Error{error.what(), "facts", "fold the run's events again"};
  }
}

}  // namespace smgate::contract
