// What the dashboard reads of judged runs: board, coverage, differences, trends, curves, pictures.
#include <gmock/gmock.h>

#include "common/subprocess.hpp"
#include "tests/http/judged_job.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Dashboard : public JudgedTest {};

TEST_F(Dashboard, NamesTheGuiltyKeyWhereverAJobIsShown) {
  const std::string run = judged_run("collided", "d-1");
  EXPECT_EQ(get_json("/api/v1/runs/" + run)["jobs"][0]["guilty_key"], "silu_forward");
  EXPECT_EQ(get_json("/api/v1/jobs/" + job_of(run))["guilty_key"], "silu_forward");
  const json board = get_json("/api/v1/board");
  ASSERT_EQ(board["branches"].size(), 1U);
  EXPECT_EQ(board["branches"][0]["run"]["id"], run);
  EXPECT_EQ(board["branches"][0]["run"]["jobs"][0]["guilty_key"], "silu_forward");
}

TEST_F(Dashboard, ShowsTheNewestRunOfABranch) {
  const std::string older = judged_run("healthy", "d-1");
  const std::string newer = judged_run("collided", "d-2");
  const json board = get_json("/api/v1/board?repository=acme/kernels");
  EXPECT_EQ(board["branches"][0]["run"]["id"], newer);
  ASSERT_EQ(board["branches"][0]["earlier"].size(), 1U);
  EXPECT_EQ(board["branches"][0]["earlier"][0]["id"], older);
  EXPECT_EQ(board["branches"][0]["earlier"][0]["verdict"], "pass");
  EXPECT_EQ(get_json("/api/v1/board?repository=acme/other")["branches"].size(), 0U);
  EXPECT_THAT(get("/badge/acme/kernels/main.svg").body, HasSubstr("smgate: fail"));
  EXPECT_THAT(get("/badge/acme/kernels/some/other.svg").body, HasSubstr("smgate: unknown"));
}

TEST_F(Dashboard, LaysTheKernelCacheOutAKeyARow) {
  const json coverage = get_json("/api/v1/runs/" + judged_run("collided", "d-1") + "/coverage");
  EXPECT_EQ(coverage["total"], 3);
  EXPECT_EQ(coverage["rows"][0]["cells"][0]["state"], "collided");
  EXPECT_EQ(coverage["rows"][0]["cells"][0]["nearest_key"], "silu_forward");
  EXPECT_EQ(coverage["rows"][2]["cells"][0]["state"], "used");
  EXPECT_EQ(coverage["architectures"][0]["counts"]["collided"], 2);
  const json timeline = coverage["architectures"][0]["timeline"];
  EXPECT_EQ(timeline["spans"][0]["kind"], "prewarm");
  EXPECT_FALSE(timeline["late"].empty());
  EXPECT_GT(timeline["late"][0]["at_ms"], timeline["spans"][0]["end_ms"]);
}

TEST_F(Dashboard, PagesAndFiltersTheKernelCache) {
  const std::string address = "/api/v1/runs/" + judged_run("collided", "d-1") + "/coverage";
  const json first = get_json(address + "?limit=2");
  EXPECT_EQ(first["rows"].size(), 2U);
  EXPECT_EQ(get_json(first["next"].get<std::string>())["rows"].size(), 1U);
  EXPECT_EQ(get_json(address + "?state=used")["total"], 1);
  EXPECT_EQ(get(address + "?state=odd").status, 400U);
}

TEST_F(Dashboard, SaysWhatDiffersBetweenTwoRuns) {
  const std::string base = judged_run("healthy", "d-1");
  const std::string run = judged_run("collided", "d-2");
  const json diff = get_json("/api/v1/runs/" + run + "/diff?base=" + base);
  EXPECT_EQ(diff["architectures"][0]["causes_new"][0]["id"], "prewarm_key_collision");
  EXPECT_EQ(diff["architectures"][0]["causes_gone"], json::array());
  EXPECT_FALSE(diff["architectures"][0]["clauses"].empty());
  bool collided = false;
  for (const json& change : diff["coverage"]["changes"]) collided = collided || change["is"] == "collided";
  EXPECT_TRUE(collided);
  EXPECT_EQ(get_json("/api/v1/runs/" + run + "/diff?base=" + run)["coverage"]["changes"], json::array());
  EXPECT_EQ(get("/api/v1/runs/" + run + "/diff").status, 404U);  // the base commit of a first push has no run
}

TEST_F(Dashboard, DrawsTrendsFromTheNewestRunOn) {
  judged_run("healthy", "d-1");
  const std::string newer = judged_run("collided", "d-2");
  const json trends = get_json("/api/v1/trends?repository=acme/kernels&branch=main&limit=1");
  ASSERT_EQ(trends["points"].size(), 1U);
  EXPECT_EQ(trends["points"][0]["run"], newer);
  EXPECT_EQ(trends["points"][0]["stats"]["collided"], 2);
  EXPECT_GT(trends["points"][0]["stats"]["cache_bytes"], 0);
  EXPECT_EQ(get_json(trends["next"].get<std::string>())["points"][0]["verdict"], "pass");
  EXPECT_EQ(get("/api/v1/trends?repository=acme/kernels").status, 400U);
}

TEST_F(Dashboard, ServesSeveralCurvesAndAPicture) {
  const std::string job = job_of(judged_run("healthy", "d-1"));
  const json curves = get_json("/api/v1/curves?points=4&jobs=" + job + "," + job);
  EXPECT_EQ(curves["curves"].size(), 2U);
  EXPECT_EQ(curves["curves"][0]["points"]["step"].size(), 4U);
  EXPECT_EQ(curves["curves"][0]["points"]["step"][0], 0);
  EXPECT_EQ(get_json("/api/v1/jobs/" + job + "/curve?points=5")["points"]["loss"].size(), 5U);
  EXPECT_EQ(get("/api/v1/curves").status, 400U);
  const HttpAnswer picture = get("/api/v1/jobs/" + job + "/curve.svg");
  EXPECT_THAT(picture.body, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_THAT(picture.body, HasSubstr("sm_89: loss"));
}

TEST_F(Dashboard, ThinsOutOnlyTheStepsThatAreAskedFor) {
  const std::string job = job_of(judged_run("healthy", "d-1"));
  const std::string address = "/api/v1/jobs/" + job + "/curve?points=3";
  const json whole = get_json("/api/v1/jobs/" + job + "/curve");
  const json part = get_json(address + "&from=2&to=4");
  EXPECT_EQ(part["points"]["step"], json({2, 3, 4}));
  EXPECT_EQ(part["first"], 2);
  EXPECT_EQ(part["next"], 5);
  EXPECT_EQ(part["total"], whole["total"]);
  const json rest = get_json("/api/v1/curves?points=3&from=3&jobs=" + job)["curves"][0];
  EXPECT_EQ(rest["points"]["step"].front(), 3);
  EXPECT_EQ(rest["points"]["step"].back(), whole["points"]["step"].back());
  EXPECT_EQ(get_json(address + "&from=1000000")["points"]["step"], json::array());
  EXPECT_EQ(get(address + "&from=4&to=2").status, 400U);
  EXPECT_EQ(get("/api/v1/jobs/" + job + "/curve?from=4").status, 400U);
}

TEST_F(Dashboard, AnswersACurveOfAJobThatEndedAlikeEachTime) {
  const std::string address = "/api/v1/jobs/" + job_of(judged_run("healthy", "d-1")) + "/curve";
  const HttpAnswer first = get(address);
  const HttpAnswer again = get(address);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(get(address, {{"If-None-Match", first.headers.at("etag")}}).status, 304U);
  EXPECT_NE(get(address + "?points=5").body, first.body);
  EXPECT_NE(get(address + "?first=1&limit=2").body, first.body);
}

TEST_F(Dashboard, KeepsACurveReadyAndMakesTheSameWithoutIt) {
  const std::string job = job_of(judged_run("healthy", "d-1"));
  const std::string address = "/api/v1/jobs/" + job + "/curve?";
  const HttpAnswer ready = get(address + "limit=20000");
  const auto database = store::Database::open(database_file(), store::Database::Mode::read_write);
  database->execute("UPDATE ready_curves SET points = replace(points, '\"step\":[0,', '\"step\":[77,')");
  for (const char* asked : {"limit=19999", "points=2000", "points=1999", "attempt=1"})
    EXPECT_THAT(get(address + asked).body, HasSubstr("\"step\":[77,")) << asked;
  for (const char* asked : {"points=4", "limit=2", "from=0&to=1&points=9"})
    EXPECT_THAT(get(address + asked).body, HasSubstr("\"step\":[0,")) << asked;
  database->execute("DELETE FROM ready_curves");
  EXPECT_EQ(get(address + "limit=19998").body, ready.body);
  EXPECT_EQ(get(address + "points=1998").body, ready.body);
}

TEST_F(Dashboard, AnswersOnlyWhatHasChanged) {
  const std::string run = "/api/v1/runs/" + judged_run("healthy", "d-1");
  const HttpAnswer first = get(run);
  const HttpAnswer again = get(run, {{"If-None-Match", first.headers.at("etag")}});
  EXPECT_EQ(again.status, 304U);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(get(run, {{"If-None-Match", "\"other\""}}).status, 200U);
}

TEST_F(Dashboard, LetsAProgramOfTwentyLinesFindTheGuiltyKey) {
  judged_run("collided", "d-1");
  judged_run("healthy", "d-2");
  Command command;
  command.argv = {"python3", std::string(SMGATE_SOURCE_DIR) + "/deploy/examples/guilty_key.py",
                  "http://127.0.0.1:" + std::to_string(port())};
  const Output output = run_command(command).value();
  EXPECT_EQ(output.exit_code, 0) << output.err;
  EXPECT_THAT(output.out, HasSubstr("sm_89: silu_forward (prewarm_key_collision: "));
}

}  // namespace
}  // namespace smgate::test
