// How fields of GitHub's payloads are read. For the files of webhook.hpp alone; pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "common/json_reader.hpp"
#include "server/intake/webhook.hpp"

namespace smgate::intake {

inline constexpr IntegerRange kPositive{1, INT64_MAX};

// Only the top-level fields that some event is read from; all else, a push's commits above all, is thrown away while
// parsing. Discarded where the text is no JSON.
nlohmann::json parse_payload(std::string_view payload);

CommitSha read_commit(JsonReader& reader, const std::string& field);
JsonReader* read_object(JsonReader& reader, const std::string& field);  // required
// A push gives seconds since 1970; elsewhere it is text. 0, and a mistake noted, where it is neither.
std::int64_t read_time_ms(JsonReader& reader, const std::string& field);
RepositoryRef read_repository(JsonReader& document);  // with the installation beside it
std::string read_sender(JsonReader& document);        // login of who caused the event

template <class Event>
Result<Webhook> finish(const JsonReader& document, std::string_view name, Event event) {
  if (document.mistakes().empty()) return Webhook(std::move(event));
  return join_mistakes(document.mistakes(), "the payload of " + std::string(name));
}

// --- the events that ask for something, in webhook_requests.cpp
Result<Webhook> read_merge_group(JsonReader& document);
Result<Webhook> read_check_run(JsonReader& document);
Result<Webhook> read_check_suite(JsonReader& document);
Result<Webhook> read_issue_comment(JsonReader& document);
Result<Webhook> read_installation(JsonReader& document);
Result<Webhook> read_installation_repositories(JsonReader& document);

}  // namespace smgate::intake
