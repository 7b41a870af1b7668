// The JSON API against schemas/openapi.yaml: every route both ways, and every answer of these tests by its schema.
#include <gmock/gmock.h>

#include "server/dashboard/page.hpp"
#include "tests/support/openapi.hpp"
#include "tests/support/server_fixture.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;
using protocol::Assign;
using testing::HasSubstr;

class Api : public ServerTest {
 protected:
  // A job in the hands of a runner that has reported a log and five steps so far.
  Assign running_job() {
    worker_ = runner("r1", "sm_89");
    push();
    const Assign job = worker_->hear_a<Assign>();
    worker_->report(job, 0, protocol::StageBegin{"smoke"});
    worker_->report(job, 1, protocol::LogChunk{"smoke", "0123456789"});
    worker_->report(job, 2, protocol::EventChunk{"1.jsonl", steps(0, 5)});
    return job;
  }
  void finish(const Assign& job) {
    worker_->report(job, 3, protocol::StageEnd{"smoke", protocol::StageOutcome::succeeded, 0, 0, 12});
    worker_->report(job, 4, protocol::Finished{protocol::JobOutcome::completed, ""});
  }
  static std::string steps(int first, int count) {
    std::string lines;
    for (int i = first; i < first + count; ++i)
      lines += json{{"ev", "step"}, {"seq", i},         {"t_ns", i}, {"pid", 1},
                    {"rank", 0},    {"source", "self"}, {"step", i}, {"loss", 5.0 - 0.5 * i}}
                   .dump() +
               "\n";
    return lines;
  }
  std::string log_address(const Assign& job) { return "/api/v1/jobs/" + job.job.value + "/log"; }

  std::unique_ptr<FakeRunner> worker_;
};

TEST_F(Api, HasExactlyTheDescribedRoutes) {
  std::set<std::string> served;
  for (const http::Route& route : router().routes()) served.insert(route.method + " " + route.pattern);
  for (const http::Route& route : dashboard::page_routes()) served.erase(route.method + " " + route.pattern);
  EXPECT_EQ(served, OpenApi::of_project().routes());
}

TEST_F(Api, IsEmptyAtFirst) {
  EXPECT_EQ(get_json("/api/v1/runs"), json({{"runs", json::array()}, {"next", nullptr}}));
  EXPECT_EQ(get_json("/api/v1/runners"), json({{"runners", json::array()}, {"next", nullptr}}));
  EXPECT_EQ(get_json("/healthz")["status"], "ok");
  EXPECT_EQ(get_json("/readyz")["status"], "ready");
  EXPECT_THAT(get("/metrics").body, HasSubstr("smgate_http_requests_total{route=\"/api/v1/runs\",status=\"200\"} 1"));
}

TEST_F(Api, ShowsARunFromItsJobsToItsVerdict) {
  const Assign job = running_job();
  const std::string id = get_json("/api/v1/runs")["runs"][0]["id"];
  EXPECT_EQ(get_json("/api/v1/runs/" + id)["jobs"][0]["stages"][0]["outcome"], nullptr);
  EXPECT_EQ(get_json("/api/v1/runs/" + id)["report"], nullptr);
  finish(job);
  const json run = get_when("/api/v1/runs/" + id, [](const json& value) { return value["state"] == "done"; });
  EXPECT_EQ(run["jobs"][0]["stages"][0]["outcome"], "succeeded");
  EXPECT_EQ(run["jobs"][0]["outcome"], "completed");
  EXPECT_NE(run["verdict"], "pass");  // five steps and no kernel event prove nothing
  EXPECT_FALSE(run["jobs"][0]["clauses"].empty());
  EXPECT_FALSE(run["jobs"][0]["causes"].empty());
  EXPECT_EQ(run["report"]["clauses"][0]["id"], "KC-8");
  EXPECT_EQ(run["report"]["architectures"][0]["arch"], "sm_89");
}

TEST_F(Api, SaysOfARunWithoutJobsThatItsBaseFailedAlike) {
  const auto ended = [&](const CommitSha& commit, const CommitSha& before, int second) {
    json payload = json::parse(push_payload(commit));
    payload["before"] = before.value;
    payload["repository"]["pushed_at"] = 1'700'000'000 + second;
    deliver("push", payload.dump(), commit.value);
    const auto over = [](const json& page) { return page["runs"].size() == 1 && page["runs"][0]["state"] == "done"; };
    return get_when("/api/v1/runs?commit=" + commit.value, over)["runs"][0]["id"].get<std::string>();
  };
  const CommitSha base = repository().commit({{".smgate.json", "{}"}});
  ended(base, CommitSha{std::string(40, '0')}, 1);
  const json run = get_json("/api/v1/runs/" + ended(repository().commit({{"file", "text"}}), base, 2));
  EXPECT_TRUE(run["jobs"].empty());
  EXPECT_TRUE(run["blame"]["base"]["alike"]);
  EXPECT_EQ(run["blame"]["since"]["commit"], base.value);
}

TEST_F(Api, ShowsCurvesWhileTheJobRuns) {
  const Assign job = running_job();
  const std::string address = "/api/v1/jobs/" + job.job.value + "/curve";
  const json curve = get_json(address);
  EXPECT_EQ(curve["points"]["step"], json({0, 1, 2, 3, 4}));
  EXPECT_EQ(curve["points"]["loss"], json({5.0, 4.5, 4.0, 3.5, 3.0}));
  EXPECT_EQ(curve["complete"], false);
  worker_->report(job, 3, protocol::EventChunk{"1.jsonl", steps(0, 3), "control:lr0"});  // no part of the job's curve
  worker_->report(job, 4, protocol::EventChunk{"1.jsonl", steps(5, 2)});
  const json rest = get_json(address + "?first=" + std::to_string(curve["next"].get<int>()));
  EXPECT_EQ(rest["points"]["step"], json({5, 6}));
  EXPECT_EQ(get_json(address + "?limit=1&first=2")["points"]["loss"], json({4.0}));
}

TEST_F(Api, ServesLogsByRange) {
  const Assign job = running_job();
  EXPECT_EQ(get(log_address(job)).body, "0123456789");
  const HttpAnswer part = get(log_address(job), {{"Range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 206U);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.headers.at("content-range"), "bytes 2-4/10");
  const HttpAnswer beyond = get(log_address(job), {{"Range", "bytes=10-"}});
  EXPECT_EQ(beyond.status, 416U);
  EXPECT_EQ(beyond.headers.at("content-range"), "bytes */10");
  worker_->report(job, 3, protocol::LogChunk{"smoke", "abc"});
  EXPECT_EQ(get(log_address(job), {{"Range", "bytes=10-"}}).body, "abc");
}

TEST_F(Api, ServesOneStagesPartOfALog) {
  const Assign job = running_job();
  worker_->report(job, 3, protocol::LogChunk{"after", "xyz"});
  EXPECT_EQ(get(log_address(job) + "?stage=after").body, "xyz");
  EXPECT_EQ(get(log_address(job) + "?stage=smoke", {{"Range", "bytes=-2"}}).body, "89");
  EXPECT_EQ(get(log_address(job) + "?stage=never").status, 404U);
}

TEST_F(Api, ServesALogLargerThanOnePiece) {
  const Assign job = running_job();
  const std::string chunk(protocol::kItemDataBytesMax, 'x');
  std::uint64_t seq = 3;
  for (int i = 0; i < 20; ++i) worker_->report(job, seq++, protocol::LogChunk{"smoke", chunk});
  EXPECT_EQ(get(log_address(job)).body, "0123456789" + std::string(20 * chunk.size(), 'x'));
  const HttpAnswer head = http_request(port(), "HEAD", log_address(job));
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(10 + 20 * chunk.size()));
}

TEST_F(Api, FiltersAndPages) {
  const auto worker = runner("r1", "sm_89");
  std::vector<std::string> commits;
  for (const char* delivery : {"d-1", "d-2", "d-3"}) commits.push_back(push("sm_89", delivery).value);
  get_when("/api/v1/runs", [](const json& page) { return page["runs"].size() == 3; });
  const json first = get_json("/api/v1/runs?limit=2&repository=acme/kernels");
  EXPECT_EQ(first["runs"].size(), 2U);
  const json second = get_json(first["next"].get<std::string>());
  EXPECT_EQ(second["runs"].size(), 1U);
  EXPECT_EQ(second["next"], nullptr);
  EXPECT_EQ(get_json("/api/v1/runs?commit=" + commits[1].substr(0, 12))["runs"][0]["commit"], commits[1]);
  EXPECT_EQ(get_json("/api/v1/runs?branch=main")["runs"].size(), 3U);
  EXPECT_EQ(get_json("/api/v1/runs?branch=other")["runs"].size(), 0U);
  EXPECT_EQ(get_json("/api/v1/runs?verdict=pass")["runs"].size(), 0U);
}

TEST_F(Api, NamesTheParameterThatIsWrong) {
  for (const char* query :
       {"verdict=maybe", "commit=xyz", "limit=0", "limit=101", "limit=x", "before=1", "brnch=main"}) {
    const HttpAnswer answer = get("/api/v1/runs?" + std::string(query));
    EXPECT_EQ(answer.status, 400U) << query;
    EXPECT_THAT(answer.body, HasSubstr(std::string(query).substr(0, std::string(query).find('=')))) << query;
  }
}

TEST_F(Api, SaysWhatIsNotThere) {
  const std::string nobody = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  for (const std::string& target : {"/api/v1/runs/" + nobody, "/api/v1/jobs/" + nobody + "/curve",
                                    "/api/v1/jobs/" + nobody + "/log", std::string("/api/v1/runs/1")}) {
    const HttpAnswer answer = get(target);
    EXPECT_EQ(answer.status, 404U) << target;
    EXPECT_EQ(json::parse(answer.body)["instance"], target);
  }
}

}  // namespace
}  // namespace smgate::test
