// Does a pre-warm cover what a run asks for? For the tests of a program that pre-warms a kernel cache: no GPU, no run.
// Build the keys that the pre-warm offers and those that the passes look up, by the program's own key functions, over
// as many configurations as matter, and hold one against the other:
//
//   for (const Config& config : random_configs()) {
//     const auto left = smgate::coverage::uncovered(prewarm_keys(config), run_time_keys(config));
//     EXPECT_TRUE(left.empty()) << smgate::coverage::say(left);
//   }
//
// Words as in the gate's report: a key is drifted where a pre-warmed one has the same kernel name and other values
// (an eps, a length, a token too few), else missing. Taken apart here are keys of words, decimal numbers and float bits
// joined by `_`; the gate knows more tokens. Copy this file into any program: C++17 and the standard library alone.
// Pure; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace smgate::coverage {

struct Uncovered {
  std::string key;      // asked for at run time, not pre-warmed
  std::string nearest;  // drifted: the pre-warmed key that was meant; empty: missing

  bool drifted() const { return !nearest.empty(); }
};

namespace detail {

inline bool all_in(std::string_view text, std::string_view set) {
  return text.find_first_not_of(set) == std::string_view::npos;
}

// 2048, or a short name and the eight hex digits of a float's bits: eps358637bd.
inline bool is_value(std::string_view part) {
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::size_t kFloatDigits = 8, kNameMax = 8;
  if (part.empty() || all_in(part, kDigits)) return true;
  if (part.size() <= kFloatDigits || part.size() > kFloatDigits + kNameMax) return false;
  const std::string_view bits = part.substr(part.size() - kFloatDigits);
  return all_in(bits, "0123456789abcdef") && bits.find_first_of(kDigits) != std::string_view::npos &&
         all_in(part.substr(0, part.size() - kFloatDigits), "abcdefghijklmnopqrstuvwxyz");
}

struct Parts {
  std::string name;  // the words
  std::multiset<std::string> values;
};

inline Parts take_apart(std::string_view key) {
  Parts parts;
  for (std::size_t start = 0; start <= key.size();) {
    const std::size_t end = std::min(key.find('_', start), key.size());
    const std::string_view part = key.substr(start, end - start);
    if (is_value(part)) {
      parts.values.emplace(part);
    } else {
      parts.name += '_';
      parts.name += part;
    }
    start = end + 1;
  }
  return parts;
}

// Values that only one of two keys has.
inline std::size_t distance(const Parts& a, const Parts& b) {
  std::vector<std::string> apart;
  std::set_symmetric_difference(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(),
                                std::back_inserter(apart));
  return apart.size();
}

}  // namespace detail

// Of any two ranges of strings, in any order, with or without repetitions. The answer is sorted by key.
template <class Prewarmed, class RunTime>
std::vector<Uncovered> uncovered(const Prewarmed& prewarmed, const RunTime& run_time) {
  const std::set<std::string> warm(prewarmed.begin(), prewarmed.end()), asked(run_time.begin(), run_time.end());
  std::map<std::string, std::vector<std::string>> warm_by_name;
  for (const std::string& key : warm) warm_by_name[detail::take_apart(key).name].push_back(key);
  std::vector<Uncovered> left;
  for (const std::string& key : asked) {
    if (warm.count(key) != 0) continue;
    const detail::Parts parts = detail::take_apart(key);
    // Of two as near, the one that nothing asks for is the one that was meant.
    const auto rank = [&](const std::string& candidate) {
      return 2 * detail::distance(parts, detail::take_apart(candidate)) + asked.count(candidate);
    };
    const std::vector<std::string>& same = warm_by_name[parts.name];
    const auto nearest =
        std::min_element(same.begin(), same.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    left.push_back({key, nearest == same.end() ? "" : *nearest});
  }
  return left;
}

// What was pre-warmed and nothing asks for.
template <class Prewarmed, class RunTime>
std::vector<std::string> unused(const Prewarmed& prewarmed, const RunTime& run_time) {
  const std::set<std::string> warm(prewarmed.begin(), prewarmed.end()), asked(run_time.begin(), run_time.end());
  std::vector<std::string> left;
  std::set_difference(warm.begin(), warm.end(), asked.begin(), asked.end(), std::back_inserter(left));
  return left;
}

// A line a key, for a test's message.
inline std::string say(const std::vector<Uncovered>& keys) {
  std::string text;
  for (const Uncovered& key : keys) {
    text +=
        key.key + (key.drifted() ? ": drifted from the pre-warmed " + key.nearest : std::string(": missing")) + "\n";
  }
  return text;
}

}  // namespace smgate::coverage
