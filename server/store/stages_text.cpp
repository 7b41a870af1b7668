#include "server/store/stages_text.hpp"

#include <nlohmann/json.hpp>

#include "common/protocol/messages.hpp"
#include "server/store/database.hpp"

namespace smgate::store {
namespace {

Stage stage_of(const nlohmann::json& json) {
  Stage stage;
  json.at("name").get_to(stage.name);
  json.at("argv").get_to(stage.argv);
  json.at("timeout_s").get_to(stage.timeout_s);
  json.at("env").get_to(stage.env);
  const auto feeds = protocol::parse_feeds(json.at("feeds").get<std::string>());
  if (!feeds) throw DatabaseError(SQLITE_CORRUPT, "a stage feeds " + json.at("feeds").dump());
  stage.feeds = *feeds;
  return stage;
}

}  // namespace

std::string stages_to_text(const std::vector<Stage>& stages) {
  nlohmann::json all = nlohmann::json::array();
  for (const Stage& stage : stages)
    all.push_back({{"name", stage.name},
                   {"argv", stage.argv},
                   {"timeout_s", stage.timeout_s},
                   {"env", stage.env},
                   {"feeds", protocol::to_string(stage.feeds)}});
  return all.dump();
}

std::vector<Stage> stages_from_text(std::string_view text) {
  std::vector<Stage> stages;
  for (const nlohmann::json& json : nlohmann::json::parse(text)) stages.push_back(stage_of(json));
  return stages;
}

}  // namespace smgate::store
