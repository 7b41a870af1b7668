#include "runner/agent/spool.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "common/file.hpp"
#include "tests/runner/messages.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::agent {
namespace {

namespace fs = std::filesystem;
using protocol::Finished;
using protocol::LogChunk;
using test::an_assign;

class SpoolTest : public testing::Test {
 protected:
  fs::path folder() const { return scratch / "01BX5ZZKBKACTAV9WEVGEMMVRY"; }
  fs::path segment() const { return folder() / "items.00000000000000000000"; }
  // Three items as they lie on disk, and how long the file was after each.
  std::vector<std::uintmax_t> write_three() {
    const auto spool = Spool::create(folder(), an_assign());
    std::vector<std::uintmax_t> lengths{0};
    for (const std::string word : {"one", "two", "three"}) {
      spool->append(LogChunk{"build", word});
      lengths.push_back(fs::file_size(segment()));
    }
    spool->sync();
    return lengths;
  }
  static protocol::Item item(const Spool& spool, std::uint64_t seq) {
    return std::get<protocol::Item>(protocol::parse_from_runner(spool.read(seq).value()).value());
  }
  static std::string word(const Spool& spool, std::uint64_t seq) {
    return std::get<LogChunk>(item(spool, seq).body).bytes;
  }

  test::Scratch scratch;
};

TEST_F(SpoolTest, LetsNothingBeSentThatIsNotSynced) {
  const auto spool = Spool::create(folder(), an_assign());
  spool->append(LogChunk{"build", "word"});
  EXPECT_EQ(spool->synced_seq(), 0U);
  EXPECT_EQ(spool->read(0), std::nullopt);
  spool->sync();
  EXPECT_EQ(spool->synced_seq(), 1U);
  EXPECT_EQ(word(*spool, 0), "word");
}

TEST_F(SpoolTest, ComesBackAsItWas) {
  write_three();
  const auto spool = Spool::open(folder()).value();
  EXPECT_EQ(spool->assign(), an_assign());
  EXPECT_EQ(spool->synced_seq(), 3U);
  EXPECT_EQ(word(*spool, 2), "three");
  EXPECT_EQ(item(*spool, 1).lease, an_assign().lease);
  EXPECT_FALSE(spool->finished());
}

TEST_F(SpoolTest, CutAtAnyByteKeepsTheWholeItemsAndGoesOn) {
  const auto lengths = write_three();
  const std::string whole = read_file(segment(), 1 << 20).value();
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    std::ofstream(segment(), std::ios::binary | std::ios::trunc) << whole.substr(0, cut);
    const auto kept = std::upper_bound(lengths.begin(), lengths.end(), cut) - lengths.begin() - 1;
    {
      const auto spool = Spool::open(folder()).value();
      ASSERT_EQ(spool->synced_seq(), static_cast<std::uint64_t>(kept)) << "cut at byte " << cut;
      spool->append(LogChunk{"build", "after"});
      spool->sync();
    }
    const auto again = Spool::open(folder()).value();
    ASSERT_EQ(again->synced_seq(), static_cast<std::uint64_t>(kept) + 1) << "cut at byte " << cut;
    ASSERT_EQ(word(*again, again->synced_seq() - 1), "after");
  }
}

TEST_F(SpoolTest, DropsWhatFollowsADamagedItem) {
  const auto lengths = write_three();
  std::string bytes = read_file(segment(), 1 << 20).value();
  bytes[static_cast<std::size_t>(lengths[1]) + 20] ^= 1;
  std::ofstream(segment(), std::ios::binary | std::ios::trunc) << bytes;
  EXPECT_EQ(Spool::open(folder()).value()->synced_seq(), 1U);
}

TEST_F(SpoolTest, KeepsItsNumberingWhenAllIsAcknowledged) {
  {
    const auto spool = Spool::create(folder(), an_assign());
    const std::string large(protocol::kItemDataBytesMax, 'x');
    for (int i = 0; i < 40; ++i) spool->append(LogChunk{"build", large});
    spool->sync();
    spool->acknowledged(40);
    EXPECT_EQ(spool->first_seq(), 40U);
  }
  const auto again = Spool::open(folder()).value();
  EXPECT_GT(again->first_seq(), 0U);  // the first file is gone
  EXPECT_EQ(again->synced_seq(), 40U);
}

TEST_F(SpoolTest, KnowsThatItIsFinished) {
  const auto spool = Spool::create(folder(), an_assign());
  spool->append(Finished{});
  EXPECT_FALSE(spool->finished());
  spool->sync();
  EXPECT_TRUE(spool->finished());
  EXPECT_TRUE(Spool::open(folder()).value()->finished());
}

TEST_F(SpoolTest, IgnoresWhatAKilledJobAppendsAfterItsRemoval) {
  const auto spool = Spool::create(folder(), an_assign());
  spool->remove();
  spool->append(LogChunk{"build", "late"});
  spool->sync();
  EXPECT_FALSE(fs::exists(folder()));
  EXPECT_EQ(spool->read(0), std::nullopt);
}

TEST_F(SpoolTest, FoldersThatAreNoSpoolAreCleanedUp) {
  write_three();
  fs::create_directories(scratch / "01BX5ZZKBKACTAV9WEVGEMMVS0.new");
  fs::create_directories(scratch / "01BX5ZZKBKACTAV9WEVGEMMVS1.gone");
  fs::create_directories(scratch / "01BX5ZZKBKACTAV9WEVGEMMVS2");
  const auto spools = open_spools(scratch.path());
  ASSERT_EQ(spools.size(), 1U);
  EXPECT_EQ(spools[0]->assign(), an_assign());
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace smgate::agent
