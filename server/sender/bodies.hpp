// The bodies of requests, made from those of outbox rows. Pure; any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace smgate::sender {

inline constexpr std::size_t kShortSummaryBytes = 4'096;
inline constexpr std::size_t kTitleBytesMax = 200;
inline constexpr std::size_t kDescriptionBytesMax = 140;  // of a commit status, by GitHub

std::string text_at(const nlohmann::json& object, const char* field);     // empty: absent
std::int64_t number_at(const nlohmann::json& object, const char* field);  // 0: absent
std::string cut_utf8(const std::string& text, std::size_t bytes_max);     // on a boundary
nlohmann::json annotations_of(const nlohmann::json& body);

nlohmann::json update_body(const nlohmann::json& set_check);  // for PATCH: a check run's commit is fixed
nlohmann::json annotations_body(const nlohmann::json& add_annotations);
nlohmann::json status_body(const nlohmann::json& set_check);  // the same, said by a commit status
std::string comment_mark(const std::string& external_id);     // not shown to people
std::string comment_text(const nlohmann::json& create_comment, const std::string& external_id);

}  // namespace smgate::sender
