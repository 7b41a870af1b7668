#include "common/contract/signature.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "common/contract/text.hpp"
#include "common/digest.hpp"

namespace smgate::contract {
namespace {

constexpr std::size_t kSignatureBytesMax = 512;  // error texts longer than this differ in their dumps
constexpr std::size_t kTextBytesMax = 4096;      // what follows is a dump
constexpr std::size_t kKeyCharsMin = 6;          // a shorter key may be an ordinary word
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
  return "N";  // a number, an address, a time, a key: they differ between runs
}

// The text without kernel keys, so that alike failures at different kernels are alike.
std::string without_keys(std::string text, const Facts& facts) {
  for (const auto& [id, process] : facts.processes)
    for (const auto& [cache, keys] : process.caches)
      for (const auto& [name, key] : keys) {
        if (name.size() < kKeyCharsMin) continue;
        for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1))
          text.replace(at, name.size(), "\x01");
      }
  return text;
}

std::string digest_of_missing(const Report& report) {
  for (const std::string_view clause : {"KC-2", "KC-3"}) {
    std::set<std::string> keys;
    for (const Finding& finding : report.findings)
      if (finding.clause == clause &&
          std::find(std::begin(kMissKinds), std::end(kMissKinds), finding.kind) != std::end(kMissKinds))
        keys.insert(finding.key);
    if (!keys.empty()) return sha256_hex(fmt::format("{}", fmt::join(keys, "\n")));
  }
  return "";
}

}  // namespace

std::string signature_of(std::string_view text) {
  std::string signature;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '`') {  // a name: up to the next one, where there is one
      const std::size_t close = text.find('`', at + 1);
      at = close == std::string_view::npos ? at + 1 : close + 1;
      continue;
    }
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
  if (const std::optional<Symptom> symptom = failure(facts))
    sign.signature = signature_of(without_keys(std::string(cut_utf8(symptom->text, kTextBytesMax)), facts));
  sign.missing_digest = digest_of_missing(report);
  return sign;
}

std::optional<Resemblance> resemblance(const std::vector<FailureSign>& failures) {
  if (failures.empty() || failures.back().signature.empty()) return std::nullopt;
  Resemblance found;
  std::set<std::string> missing;
  for (const FailureSign& failure : failures) {
    if (failure.signature != failures.back().signature) continue;
    ++found.alike;
    missing.insert(failure.missing_digest);
  }
  if (found.alike < 2 || missing.size() < 2) return std::nullopt;
  found.signal = found.alike >= kAlikeFailures;
  found.text = found.signal ? fmt::format(
                                  "{} runs of this branch failed alike while the keys they miss differ: the cause "
                                  "lies upstream of every one of them (\"{}\")",
                                  found.alike, failures.back().signature)
                            : fmt::format(
                                  "an earlier run of this branch failed alike while the keys it missed differ "
                                  "(\"{}\")",
                                  failures.back().signature);
  return found;
}

}  // namespace smgate::contract
