// What of the calls to GitHub an operator sees. The server of these tests has no GitHub, so calls stay as they are put.
#include "server/store/outbox.hpp"

#include <gmock/gmock.h>

#include "tests/support/server_fixture.hpp"

namespace smgate::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

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
  const std::int64_t seq = enqueue("smgate", 1'700'000'000'000);
  store().write([&](store::Tx& tx) {
    store::begin_next_call(tx, 1'700'000'000'000);
    store::retry_call(tx, seq, {1'700'000'060'000, "GitHub answered 502", true, store::BodyCut::whole, true});
  });
  const json page = get_json("/api/v1/outbox");
  ASSERT_EQ(page["calls"].size(), 1U);
  EXPECT_EQ(page["calls"][0]["last_error"], "GitHub answered 502");
  EXPECT_EQ(page["calls"][0]["state"], "pending");
  EXPECT_EQ(page["calls"][0]["next_at"], "2023-11-14T22:14:20.000Z");
  EXPECT_EQ(page["calls"][0]["unsure"], true);
  EXPECT_EQ(page["oldest_pending_at"], "2023-11-14T22:13:20.000Z");
  EXPECT_FALSE(page["calls"][0].contains("body"));
}

TEST_F(Outbox, FiltersAndPages) {
  for (const char* name : {"a", "b", "c"}) enqueue(name, 1'700'000'000'000);
  const std::int64_t dead = enqueue("d", 1'700'000'000'000);
  store().write([&](store::Tx& tx) { store::give_up_call(tx, dead, "gone", 1'700'000'000'001); });
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
  enqueue("smgate", 1'700'000'000'000);
  const std::string figures = get("/metrics").body;
  EXPECT_THAT(figures, HasSubstr("smgate_outbox_pending 1\n"));
  EXPECT_THAT(figures, HasSubstr("smgate_outbox_oldest_pending_timestamp_seconds 1700000000\n"));
}

}  // namespace
}  // namespace smgate::test
