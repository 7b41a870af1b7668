#include "common/contract/report.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/contract/text.hpp"

namespace smgate::contract {
namespace {

using nlohmann::json;

// JSON has no NaN: written as in events.
json number(double value) { return std::isfinite(value) ? json(value) : json(shortest(value)); }

template <class T>
json or_null(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_same_v<T, double>)
    return number(*value);
  else
    return *value;
}

void put(json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}
template <class T>
void put(json& object, const char* name, const std::optional<T>& value) {
  if (value) object[name] = or_null(value);
}

json to_json(const std::vector<EventRef>& refs) {
  json list = json::array();
  for (const EventRef& ref : refs) list.push_back(to_json(ref));
  return list;
}

json to_json(const TokenDifference& token) {
  json object = {{"role", token.role}};
  put(object, "run_time", token.run_time);
  put(object, "prewarmed", token.prewarmed);
  put(object, "run_time_token", token.run_time_token);
  put(object, "prewarmed_token", token.prewarmed_token);
  return object;
}

json to_json(const Finding& finding) {
  json object = {{"clause", finding.clause},
                 {"kind", finding.kind},
                 {"message", finding.message},
                 {"evidence", to_json(finding.evidence)},
                 {"explained_by", finding.explained_by.empty() ? json(nullptr) : json(finding.explained_by)}};
  put(object, "key", finding.key);
  put(object, "cache", finding.cache);
  put(object, "scope", finding.scope);
  put(object, "nearest_key", finding.nearest_key);
  if (!finding.tokens.empty()) object["tokens"] = json::array();
  for (const TokenDifference& token : finding.tokens) object["tokens"].push_back(to_json(token));
  put(object, "t_ns", finding.t_ns);
  put(object, "bytes", finding.bytes);
  put(object, "ms", finding.ms);
  put(object, "count", finding.count);
  if (!finding.architectures.empty()) object["architectures"] = finding.architectures;
  return object;
}

json to_json(const Warning& warning) {
  json object = {{"clause", warning.clause},
                 {"kind", warning.kind},
                 {"message", warning.message},
                 {"evidence", to_json(warning.evidence)}};
  put(object, "key", warning.key);
  return object;
}

json to_json(const Cause& cause) {
  return {{"id", cause.id},
          {"text", cause.text},
          {"explains", cause.explains},
          {"clauses", cause.clauses},
          {"consequence_of", cause.consequence_of.empty() ? json(nullptr) : json(cause.consequence_of)},
          {"evidence", to_json(cause.evidence)}};
}

json to_json(const ClauseResult& clause) {
  return {
      {"id", clause.id}, {"title", clause.title}, {"outcome", to_string(clause.outcome)}, {"reason", clause.reason}};
}

json to_json(const Summary& summary) {
  return {{"workload", summary.workload},
          {"version", summary.version},
          {"arch", summary.arch},
          {"device", summary.device},
          {"compiler", summary.compiler},
          {"emulated", or_null(summary.emulated)},
          {"cold", or_null(summary.cold)},
          {"initial_loss", or_null(summary.initial_loss)},
          {"final_loss", or_null(summary.final_loss)},
          {"steps", summary.steps},
          {"declared_steps", or_null(summary.declared_steps)},
          {"completed", summary.completed},
          {"symptom", summary.symptom},
          {"events", summary.events},
          {"keys_looked_up", summary.keys_looked_up},
          {"keys_prewarmed", summary.keys_prewarmed},
          {"compiles", summary.compiles},
          {"late_compiles", summary.late_compiles}};
}

json to_json(const ArchSummary& summary) {
  return {{"arch", summary.arch},
          {"device", summary.device},
          {"emulated", summary.emulated},
          {"completed", summary.completed},
          {"initial_loss", or_null(summary.initial_loss)},
          {"final_loss", or_null(summary.final_loss)},
          {"tokens_per_s", or_null(summary.tokens_per_s)},
          {"base_tokens_per_s", or_null(summary.base_tokens_per_s)}};
}

template <class T>
json list_of(const std::vector<T>& values) {
  json list = json::array();
  for (const T& value : values) list.push_back(to_json(value));
  return list;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::pass:
      return "pass";
    case Outcome::fail:
      return "fail";
    case Outcome::inconclusive:
      return "inconclusive";
    case Outcome::not_applicable:
      return "not_applicable";
  }
  return "";
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::fail:
      return "fail";
    case Verdict::inconclusive:
      return "inconclusive";
  }
  return "";
}

std::uint64_t Report::unexplained() const {
  return static_cast<std::uint64_t>(
      std::count_if(findings.begin(), findings.end(), [](const Finding& f) { return f.explained_by.empty(); }));
}

json to_json(const EventRef& ref) {
  json object = {{"pid", ref.pid}, {"rank", ref.rank}, {"source", to_string(ref.source)}, {"seq", ref.seq}};
  put(object, "at", ref.at);
  return object;
}

json to_json(const Report& report) {
  json document = {{"verdict", to_string(report.verdict)}, {"causes", list_of(report.causes)},
                   {"findings", list_of(report.findings)}, {"findings_left_out", report.findings_left_out},
                   {"unexplained", report.unexplained()},  {"warnings", list_of(report.warnings)},
                   {"clauses", list_of(report.clauses)}};
  if (report.resemblance)
    document["resemblance"] = {{"alike", report.resemblance->alike},
                               {"signal", report.resemblance->signal},
                               {"text", report.resemblance->text}};
  if (report.architectures.empty())
    document["summary"] = to_json(report.summary);
  else
    document["architectures"] = list_of(report.architectures);
  return document;
}

}  // namespace smgate::contract
