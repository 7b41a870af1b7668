// How the checks of a commit are called on GitHub: the names that a branch's rules require, so they never change. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/ids.hpp"

namespace smgate::store {

inline constexpr std::string_view kGateCheck = "smgate";  // the one to require

inline std::string check_name(const Arch& arch) { return std::string(kGateCheck) + " / " + arch.value; }

// Of a check of one architecture; absent for the gate's own and for those of others.
inline std::optional<Arch> arch_of_check(std::string_view name) {
  constexpr std::string_view kPrefix = "smgate / ";
  if (!name.starts_with(kPrefix) || name.size() == kPrefix.size()) return std::nullopt;
  return Arch{std::string(name.substr(kPrefix.size()))};
}

}  // namespace smgate::store
