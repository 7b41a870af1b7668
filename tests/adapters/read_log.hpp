// Logs through an adapter, for tests.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/contract/adapters/adapter.hpp"
#include "common/contract/fold.hpp"
#include "common/contract/judge.hpp"

namespace smgate::test {

inline std::vector<contract::Event> read_log(const contract::AdapterSpec& spec, std::string_view log,
                                             std::size_t chunk = 1000) {
  std::vector<contract::Event> events;
  contract::Adapter adapter(spec, "run.log", [&](const contract::Event& event) { events.push_back(event); });
  for (; !log.empty(); log.remove_prefix(std::min(chunk, log.size()))) adapter.feed(log.substr(0, chunk));
  adapter.finish();
  return events;
}
inline std::vector<contract::Event> read_log(const char* adapter, std::string_view log) {
  return read_log(contract::AdapterSpec{adapter, {}, ""}, log);
}

inline contract::Facts facts_of(const std::vector<contract::Event>& events) {
  contract::Facts facts;
  for (const contract::Event& event : events) fold(facts, event);
  return facts;
}

inline contract::Report judge_log(const char* adapter, std::string_view log, const contract::Policy& policy = {}) {
  return judge(facts_of(read_log(adapter, log)), policy);
}

template <class T>
std::vector<T> all(const std::vector<contract::Event>& events) {
  std::vector<T> found;
  for (const contract::Event& event : events)
    if (const T* body = std::get_if<T>(&event.body)) found.push_back(*body);
  return found;
}

}  // namespace smgate::test
