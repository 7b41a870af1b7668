// A server with jobs that ended: runners report one of the contract's cases as their run.
#pragma once

#include <string>

#include "common/file.hpp"
#include "tests/support/server_fixture.hpp"

namespace smgate::test {

class JudgedTest : public ServerTest {
 protected:
  using ServerTest::ServerTest;

  // Pushes a commit and lets a runner report the case; the run's id, once it is over.
  std::string judged_run(const std::string& which, const std::string& delivery) {
    if (!worker_) worker_ = runner("r1", "sm_89");
    const CommitSha commit = push("sm_89", delivery);
    const auto job = worker_->hear_a<protocol::Assign>();
    const std::string file = std::string(SMGATE_SOURCE_DIR) + "/tests/contract/cases/" + which + ".jsonl";
    worker_->report(job, 0, protocol::StageBegin{"smoke"});
    worker_->report(job, 1, protocol::LogChunk{"smoke", "it ran\n"});
    worker_->report(job, 2, protocol::EventChunk{"1.jsonl", read_file(file, 1U << 20U).value()});
    worker_->report(job, 3, protocol::StageEnd{"smoke", protocol::StageOutcome::succeeded, 0, 0, 12});
    worker_->report(job, 4, protocol::Finished{protocol::JobOutcome::completed, ""});
    const auto over = [](const nlohmann::json& page) {
      return page["runs"].size() == 1 && page["runs"][0]["state"] == "done";
    };
    return get_when("/api/v1/runs?commit=" + commit.value, over)["runs"][0]["id"];
  }
  std::string job_of(const std::string& run) { return get_json("/api/v1/runs/" + run)["jobs"][0]["id"]; }

  std::unique_ptr<FakeRunner> worker_;
};

}  // namespace smgate::test
