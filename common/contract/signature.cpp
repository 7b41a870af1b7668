#include "common/contract/signature.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kSignatureBytesMax = 512;  // error texts longer than this differ in their dumps
constexpr std::string_view kMissKinds[] = {"drifted", "collided", "skipped", "missing"};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}
// What one word of an error may hold besides letters: keys, paths, addresses, versions, times.
bool is_inner(char c) { return is_word(c) || c == '/' || c == '\\' || c == '.' || c == ':' || c == '-' || c == '+'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool has_digit(std::string_view word) { return std::any_of(word.begin(), word.end(), is_digit); }

// "" drops the word: what differs between runs of one failure.
std::string stable_part(std::string_view word) {
  while (!word.empty() && !is_word(word.back())) word.remove_suffix(1);
  if (word.find_first_of("/\\") != std::string_view::npos) return "PATH";
  if (!has_digit(word)) {
    const bool hash = word.size() >= 16 && std::all_of(word.begin(), word.end(), is_hex);
    return hash ? "N" : std::string(word);
  }
  // A word that holds digits is a number, an address, a time or a key: kept apart from each other by nothing.
  return "N";
}

}  // namespace

std::string signature_of(std::string_view text) {
  std::string signature;
  for (std::size_t at = 0; at < text.size();) {
    if (!is_word(text[at]) && text[at] != '/') {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_inner(text[end])) ++end;
    std::string part = stable_part(text.substr(at, end - at));
    std::transform(part.begin(), part.end(), part.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    at = end;
    const bool again = part == "n" && (signature == "n" || signature.ends_with(" n"));  // however many numbers
    if (part.empty() || again) continue;
    if (!signature.empty()) signature += ' ';
    signature += part;
    if (signature.size() >= kSignatureBytesMax) break;
  }
  return std::string(cut_utf8(signature, kSignatureBytesMax));
}

FailureSign failure_sign(const Facts& facts, const Report& report) {
  FailureSign sign;
  if (const std::optional<Symptom> symptom = failure(facts)) sign.signature = signature_of(symptom->text);
  for (const std::string_view clause : {"KC-2", "KC-3"}) {
    for (const Finding& finding : report.findings)
      if (finding.clause == clause &&
          std::find(std::begin(kMissKinds), std::end(kMissKinds), finding.kind) != std::end(kMissKinds))
        sign.missing.insert(finding.key);
    if (!sign.missing.empty()) break;
  }
  return sign;
}

std::optional<std::string> upstream_signal(const std::vector<FailureSign>& failures) {
  if (failures.empty() || failures.back().signature.empty()) return std::nullopt;
  std::size_t alike = 0;
  std::set<std::set<std::string>> distinct;
  for (const FailureSign& failure : failures) {
    if (failure.signature != failures.back().signature) continue;
    ++alike;
    distinct.insert(failure.missing);
  }
  if (alike < kAlikeFailures || distinct.size() < 2) return std::nullopt;
  return fmt::format(
      "{} runs of this branch failed alike (\"{}\") while the keys they missed differ each time: the cause lies "
      "upstream "
      "of every one of them",
      alike, failures.back().signature);
}

}  // namespace smgate::contract
