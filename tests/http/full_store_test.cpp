// The rows that the benchmark of a full store is made of, at a small scale: the API answers them as it does any others,
// and the bare reads that it is held against read something. Times are the benchmark's own.
#include <gmock/gmock.h>

#include "tests/bench/dashboard_rows.hpp"
#include "tests/support/server_fixture.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;

class FullStore : public ServerTest {
 protected:
  FullStore() {
    database_ = store::Database::open(database_file(), store::Database::Mode::read_write);
    sample_ = bench::fill(*database_, {.runs = 40, .points = 3000, .branches = 7}).front();
  }
  std::unique_ptr<store::Database> database_;
  bench::Sample sample_;
};

TEST_F(FullStore, AnswersWhatIsInIt) {
  const json board = get_json("/api/v1/board");
  EXPECT_EQ(board["branches"].size(), 7U);
  EXPECT_EQ(board["branches"][0]["earlier"].size(), 3U);
  EXPECT_EQ(board["branches"][0]["run"]["jobs"][0]["guilty_key"], "rmsnorm_1");
  EXPECT_EQ(get_json("/api/v1/runs/" + sample_.run)["jobs"][0]["findings"].size(), 20U);
  const json curve = get_json("/api/v1/jobs/" + sample_.job + "/curve");
  EXPECT_EQ(curve["points"]["loss"].size(), 3000U);
  EXPECT_EQ(curve["total"], 3000);
}

TEST_F(FullStore, ThinsOutALongCurveAsItIsKeptReady) {
  const std::string address = "/api/v1/curves?jobs=" + sample_.job;
  const json ready = get_json(address)["curves"][0];
  EXPECT_EQ(ready["points"]["loss"].size(), 2000U);
  database_->execute("DELETE FROM ready_curves");
  EXPECT_EQ(get_json(address + "&points=2000&to=9000")["curves"][0], ready);
}

TEST_F(FullStore, IsReadBarelyToo) {
  EXPECT_GT(bench::read_board(*database_), 1000U);
  EXPECT_GT(bench::read_run(*database_, sample_), 1000U);
  EXPECT_EQ(bench::read_curve(*database_, sample_), 3000U * 41U);
}

}  // namespace
}  // namespace smgate::test
