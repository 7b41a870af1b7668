#include "server/store/states.hpp"

#include <array>
#include <cassert>
#include <string>
#include <utility>

#include "server/store/database.hpp"

namespace smgate::store {
namespace {

template <class Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Names<DeliveryState, 2> kDeliveryStates{{{DeliveryState::pending, "pending"}, {DeliveryState::done, "done"}}};
constexpr Names<RunState, 6> kRunStates{{{RunState::fetching, "fetching"},
                                         {RunState::running, "running"},
                                         {RunState::deciding, "deciding"},
                                         {RunState::done, "done"},
                                         {RunState::held, "held"},
                                         {RunState::cancelled, "cancelled"}}};
constexpr Names<JobState, 5> kJobStates{{{JobState::queued, "queued"},
                                         {JobState::leased, "leased"},
                                         {JobState::reported, "reported"},
                                         {JobState::done, "done"},
                                         {JobState::cancelled, "cancelled"}}};
constexpr Names<RunVerdict, 3> kVerdicts{
    {{RunVerdict::pass, "pass"}, {RunVerdict::fail, "fail"}, {RunVerdict::inconclusive, "inconclusive"}}};

template <class Enum, std::size_t N>
std::string_view name_of(const Names<Enum, N>& names, Enum value) {
  for (const auto& [candidate, name] : names)
    if (candidate == value) return name;
  assert(false && "a value without a name");
  return {};
}

template <class Enum, std::size_t N>
std::optional<Enum> find_value(const Names<Enum, N>& names, std::string_view text) {
  for (const auto& [value, name] : names)
    if (name == text) return value;
  return std::nullopt;
}

template <class Enum, std::size_t N>
Enum value_of(const Names<Enum, N>& names, std::string_view text) {
  if (const auto value = find_value(names, text)) return *value;
  throw DatabaseError(SQLITE_CORRUPT, "a column holds \"" + std::string(text) + "\", which no state is called");
}

}  // namespace

std::string_view to_string(DeliveryState state) { return name_of(kDeliveryStates, state); }
std::string_view to_string(RunState state) { return name_of(kRunStates, state); }
std::string_view to_string(JobState state) { return name_of(kJobStates, state); }
std::string_view to_string(RunVerdict verdict) { return name_of(kVerdicts, verdict); }

DeliveryState parse_delivery_state(std::string_view text) { return value_of(kDeliveryStates, text); }
RunState parse_run_state(std::string_view text) { return value_of(kRunStates, text); }
JobState parse_job_state(std::string_view text) { return value_of(kJobStates, text); }
std::optional<RunVerdict> parse_verdict(std::string_view text) { return find_value(kVerdicts, text); }

}  // namespace smgate::store
