// All webhooks that `@octokit/webhooks-examples` has, signed and posted to the running server: each is answered 2xx and
// has exactly the effect that the README's table says. Each finds an empty server, so that its effect is its own.
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "server/store/deliveries.hpp"
#include "tests/support/server_fixture.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;
using testing::UnorderedElementsAreArray;

constexpr std::size_t kPayloads = 329;

json read_examples() {
  std::ifstream file(SMGATE_PAYLOADS_DIR "/node_modules/@octokit/webhooks-examples/api.github.com/index.json");
  return json::parse(file);
}

std::set<std::string> repositories_of(const json& examples) {
  std::set<std::string> names;
  for (const json& event : examples)
    for (const json& payload : event["examples"])
      if (payload.contains("repository") && payload["repository"].contains("full_name"))
        names.insert(payload["repository"]["full_name"].get<std::string>());
  return names;
}

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> all;
  std::istringstream rest(line);
  std::string cell;
  std::getline(rest, cell, '|');
  while (std::getline(rest, cell, '|')) {
    const std::size_t begin = cell.find_first_not_of(" `"), end = cell.find_last_not_of(" `");
    all.push_back(begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1));
  }
  return all;
}

// "event action: what the delivery's row begins with" -> how many of the payloads.
using Effects = std::map<std::string, int>;
Effects read_table() {
  std::ifstream file(SMGATE_SOURCE_DIR "/README.md");
  Effects effects;
  std::string line;
  while (std::getline(file, line)) {
    const std::vector<std::string> row = cells(line);
    if (row.size() != 5 || row[4].empty() || row[4].find_first_not_of("0123456789") != std::string::npos) continue;
    if (const int count = std::stoi(row[4]); count > 0) effects[row[0] + " " + row[1] + ": " + row[3]] += count;
  }
  return effects;
}

class Payloads : public ServerTest {
 protected:
  Payloads() : ServerTest(repositories_of(read_examples())) {}

  void forget_rows() {
    store().write([](store::Tx& tx) {
      tx.change("DELETE FROM run_triggers");
      tx.change("DELETE FROM runs");
      tx.change("DELETE FROM pull_requests");
      tx.change("DELETE FROM branches");
      tx.change("DELETE FROM merge_groups");
    });
  }
  store::DeliveryStatus processed(const std::string& delivery) {
    for (;;) {  // the test's own timeout bounds it
      const auto found =
          store().read([&](store::ReadTx& tx) { return store::find_delivery(tx, DeliveryId{delivery}); });
      if (found && found->state == store::DeliveryState::done) return *found;
    }
  }
  std::int64_t rows(store::Sql sql) {
    return store().read([&](store::ReadTx& tx) {
      store::Query row = tx.query(sql);
      row.step();
      return row.get<std::int64_t>(0);
    });
  }
  // Posts it; what its row says, the ids left out.
  std::string effect(const std::string& event, const std::string& body, const std::string& delivery) {
    forget_rows();
    const HttpAnswer answer = deliver(event, body, delivery);
    EXPECT_TRUE(answer.status == 200 || answer.status == 202) << event << ": " << answer.status << " " << answer.body;
    if (answer.status >= 300) return "refused";
    const store::DeliveryStatus status = processed(delivery);
    EXPECT_FALSE(status.outcome.empty());
    EXPECT_EQ(rows("SELECT count(*) FROM runs"), status.run ? 1 : 0) << status.outcome;
    EXPECT_EQ(rows("SELECT count(*) FROM run_triggers"), status.run ? 1 : 0) << status.outcome;
    return status.outcome;
  }
};

// The row of the table that it fits; what it says itself where it fits none.
std::string row_of(const Effects& table, const json& event, const json& payload, const std::string& outcome) {
  const std::string name = event["name"];
  const std::string action = payload.contains("action") && payload["action"].is_string() ? payload["action"] : "";
  for (const std::string& subject : {name + " " + action, name + " others", std::string("all others ")})
    for (const auto& [row, count] : table)
      if ((subject + ": " + outcome).starts_with(row)) return row;
  return name + " " + action + ": " + outcome;
}

TEST_F(Payloads, HaveTheEffectsOfTheTable) {
  const Effects table = read_table();
  Effects found;
  std::size_t sent = 0;
  for (const json& event : read_examples())
    for (const json& payload : event["examples"])
      ++found[row_of(table, event, payload, effect(event["name"], payload.dump(), "e-" + std::to_string(++sent)))];
  EXPECT_EQ(sent, kPayloads);
  EXPECT_THAT(found, UnorderedElementsAreArray(table));
}

}  // namespace
}  // namespace smgate::test
