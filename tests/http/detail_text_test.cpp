#include "server/dashboard/detail_text.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace smgate::dashboard {
namespace {

using nlohmann::json;
using testing::IsEmpty;

TEST(MembersOf, FindsEachAsItStandsThere) {
  const json object = {{"causes", {{{"id", "a,b"}, {"evidence", json::array()}}}},
                       {"empty", json::object()},
                       {"text", "quotes \" and \\ and } and ] end\\"},
                       {"number", -1.5e-7},
                       {"nothing", nullptr}};
  const std::string text = object.dump();
  const auto members = members_of(text);
  ASSERT_EQ(members.size(), object.size());
  for (const auto& [name, value] : members) EXPECT_EQ(json::parse(value), object.at(std::string(name)));
}

TEST(MembersOf, FindsNoneInWhatIsDamaged) {
  for (const char* text :
       {"", "null", "[1]", "{", "{}", "{\"a", "{\"a\":", "{\"a\":[1", "{\"a\":\"}", "{\"a\":1,\"b\":2"})
    EXPECT_THAT(members_of(text), IsEmpty()) << text;
}

TEST(DetailText, OfAJobWithoutAReportHasEmptyLists) {
  const json job = json::parse(to_text(store::JobDetail{}, {{"run", "x"}}));
  EXPECT_EQ(job["findings"], json::array());
  EXPECT_EQ(job["resemblance"], nullptr);
  EXPECT_EQ(job["run"], "x");
}

TEST(DetailText, OfAJobHasItsReportsParts) {
  store::JobDetail detail;
  detail.report_json = json{{"causes", {{{"id", "drift"}}}}, {"verdict", "fail"}}.dump();
  const json job = json::parse(to_text(detail, json::object()));
  EXPECT_EQ(job["causes"][0]["id"], "drift");
  EXPECT_EQ(job["verdict"], nullptr);  // the job's own
}

}  // namespace
}  // namespace smgate::dashboard
