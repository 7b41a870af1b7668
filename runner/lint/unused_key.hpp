// A macro or function that takes a key and ignores it: whatever key it is given, it does the same. Such a pre-warm puts
// every kernel under one key, and everything still compiles. Found before anything runs, in C, C++ and CUDA #defines
// and functions and in Rust's macro_rules!. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runner/lint/tokens.hpp"

namespace smgate::lint {

enum class Place { macro, function };

struct UnusedKey {
  std::size_t line = 0;  // where the parameter is named, from 1
  Place place = Place::macro;
  std::string name;       // of the macro or function
  std::string parameter;  // with Rust's `$`
  bool operator==(const UnusedKey&) const = default;
};

// A parameter says key where a word of its name is key or keys: `key`, `kernel_key`, `cacheKey`; not `monkey`. A body
// that is empty is a stub, a parameter without a name or marked [[maybe_unused]] is ignored on purpose: neither counts.
std::vector<UnusedKey> unused_keys(std::string_view source, Language language);

bool says_key(std::string_view name);

}  // namespace smgate::lint
