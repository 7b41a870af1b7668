// What of the calls to GitHub an operator sees. They are due long after the test, so that the server's sender leaves
// them.
#include "server/store/outbox.hpp"

#include <gmock/gmock.h>

#include "tests/support/server_fixture.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::int64_t kLater_ms = 4'102'444'800'000;  // 2100-01-01

class Outbox : public ServerTest {
 protected:
  std::int64_t enqueue(const std::string& name, std::int64_t now_ms) {
    return store().write([&](store::Tx& tx) {
      store::OutboundCall call;
      call.lane = store::check_lane(kRepository, CommitSha{std::string(40, '1')}, name);
      call.repository = kRepository;
      call.external_id = name;
      call.body = "{}";
      return store::enqueue_call(tx, call, now_ms);
    });
  }
};

TEST_F(Outbox, ShowsWhatWaitsWithItsLastError) {
  const std::int64_t seq = enqueue("smgate", kLater_ms);
  store().write([&](store::Tx& tx) {
    store::begin_next_call(tx, kLater_ms);
    store::retry_call(tx, seq, {kLater_ms + 60'000, "GitHub answered 502", true, store::BodyCut::whole, true});
  });
  const json page = get_json("/api/v1/outbox");
  ASSERT_EQ(page["calls"].size(), 1U);
  EXPECT_EQ(page["calls"][0]["last_error"], "GitHub answered 502");
  EXPECT_EQ(page["calls"][0]["state"], "pending");
  EXPECT_EQ(page["calls"][0]["next_at"], "2100-01-01T00:01:00.000Z");
  EXPECT_EQ(page["calls"][0]["unsure"], true);
  EXPECT_EQ(page["oldest_pending_at"], "2100-01-01T00:00:00.000Z");
  EXPECT_FALSE(page["calls"][0].contains("body"));
}

TEST_F(Outbox, FiltersAndPages) {
  for (const char* name : {"a", "b", "c"}) enqueue(name, kLater_ms);
  const std::int64_t dead = enqueue("d", kLater_ms);
  store().write([&](store::Tx& tx) { store::give_up_call(tx, dead, "gone", kLater_ms + 1); });
  const json first = get_json("/api/v1/outbox?state=pending&limit=2");
  EXPECT_EQ(first["calls"].size(), 2U);
  EXPECT_EQ(first["pending"], 3);
  EXPECT_EQ(first["dead"], 1);
  const json second = get_json(first["next"].get<std::string>());
  EXPECT_EQ(second["calls"].size(), 1U);
  EXPECT_EQ(second["next"], nullptr);
  EXPECT_EQ(get_json("/api/v1/outbox?state=dead")["calls"][0]["last_error"], "gone");
  EXPECT_EQ(get_json("/api/v1/outbox?repository=acme/other")["calls"].size(), 0U);
  EXPECT_EQ(get_json("/api/v1/outbox?run=01ARZ3NDEKTSV4RRFFQ69G5FAV")["calls"].size(), 0U);
}

TEST_F(Outbox, NamesTheParameterThatIsWrong) {
  for (const char* query : {"state=lost", "run=1", "before=0", "limit=101", "stat=dead"})
    EXPECT_EQ(get("/api/v1/outbox?" + std::string(query)).status, 400U) << query;
}

TEST_F(Outbox, IsMeasuredByItsDepthAndItsOldest) {
  EXPECT_THAT(get("/metrics").body, HasSubstr("smgate_outbox_pending 0\n"));
  enqueue("smgate", kLater_ms);
  const std::string figures = get("/metrics").body;
  EXPECT_THAT(figures, HasSubstr("smgate_outbox_pending 1\n"));
  EXPECT_THAT(figures, HasSubstr("smgate_outbox_oldest_pending_timestamp_seconds 4102444800\n"));
}

}  // namespace
}  // namespace smgate::test
