// Source lines that events name, as annotations. Part of render.hpp.
#include <charconv>
#include <set>
#include <tuple>

#include "server/reporter/render.hpp"
#include "server/reporter/text.hpp"

namespace smgate::reporter {
namespace {

using nlohmann::json;

constexpr std::size_t kTitleBytesMax = 255;
constexpr std::size_t kMessageBytesMax = 4096;  // GitHub takes 64 KB; a message is a sentence
constexpr std::int64_t kLineMax = 10'000'000;

struct Place {
  std::string path;
  std::int64_t line = 0;
};

// "src/warm.cpp:61": relative to the repository, and below it.
std::optional<Place> parse_place(std::string_view at) {
  const std::size_t colon = at.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  Place place{std::string(at.substr(0, colon)), 0};
  const char* end = at.data() + at.size();
  const auto [stopped, error] = std::from_chars(at.data() + colon + 1, end, place.line);
  if (error != std::errc() || stopped != end || place.line < 1 || place.line > kLineMax) return std::nullopt;
  if (place.path.starts_with("./")) place.path.erase(0, 2);
  const bool outside = place.path.starts_with('/') || place.path.starts_with("../") ||
                       place.path.find("/../") != std::string::npos || place.path.find('\\') != std::string::npos;
  return outside ? std::nullopt : std::optional(place);
}

std::string text_of(const json& object, const char* field) {
  return object.contains(field) && object[field].is_string() ? object[field].get<std::string>() : "";
}

class Collector {
 public:
  void add(const json& noted, const char* level, const std::string& title, const std::string& message) {
    if (!noted.contains("evidence") || !noted["evidence"].is_array()) return;
    for (const json& event : noted["evidence"]) {
      if (text_of(event, "source") == "adapter") continue;  // its lines are those of a log
      const std::optional<Place> place = parse_place(text_of(event, "at"));
      if (place) add(*place, level, title, message);
    }
  }
  std::vector<json> take() { return std::move(annotations_); }

 private:
  void add(const Place& place, const char* level, const std::string& title, const std::string& message) {
    if (annotations_.size() >= kAnnotationsMax || message.empty()) return;
    if (!seen_.emplace(place.path, place.line, title, message).second) return;
    annotations_.push_back({{"path", place.path},
                            {"start_line", place.line},
                            {"end_line", place.line},
                            {"annotation_level", level},
                            {"title", std::string(cut_utf8(title, kTitleBytesMax))},
                            {"message", std::string(cut_utf8(message, kMessageBytesMax))}});
  }

  std::set<std::tuple<std::string, std::int64_t, std::string, std::string>> seen_;
  std::vector<json> annotations_;
};

}  // namespace

std::vector<json> annotations_of(const JobView& job) {
  Collector collector;
  if (!job.report.is_object()) return {};
  const auto each = [&](const char* list, const auto& f) {
    if (job.report.contains(list) && job.report[list].is_array())
      for (const json& one : job.report[list]) f(one);
  };
  each("causes",
       [&](const json& cause) { collector.add(cause, "failure", text_of(cause, "id"), text_of(cause, "text")); });
  each("findings", [&](const json& finding) {
    collector.add(finding, "failure", text_of(finding, "clause") + " " + text_of(finding, "kind"),
                  text_of(finding, "message"));
  });
  each("warnings", [&](const json& warning) {
    collector.add(warning, "warning", text_of(warning, "clause") + " " + text_of(warning, "kind"),
                  text_of(warning, "message"));
  });
  return collector.take();
}

}  // namespace smgate::reporter
