#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <latch>
#include <thread>

#include "server/store/store_async.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::store {
namespace {

struct StoreTest : testing::Test {
  test::Scratch folder;
  Store store{{folder / "a.db", 2}};

  static void put(Tx& tx, const std::string& name) {
    tx.change("INSERT INTO server_state (name, value) VALUES (?1, '')", name);
  }
  int count() {
    return store.read([](ReadTx& tx) {
      Query row = tx.query("SELECT count(*) FROM server_state");
      row.step();
      return row.get<int>(0);
    });
  }
};

TEST_F(StoreTest, SharesOneCommitAmongOperationsThatWait) {
  std::latch entered(1), go(1), done(101);
  const auto finished = [&done](const std::exception_ptr&) { done.count_down(); };
  store.submit_write(
      [&](Tx&) {
        entered.count_down();
        go.wait();
      },
      finished);
  entered.wait();
  for (int i = 0; i < 100; ++i) store.submit_write([i](Tx& tx) { put(tx, std::to_string(i)); }, finished);
  go.count_down();
  done.wait();
  EXPECT_EQ(store.figures().commits, 2U) << "one for the first, one for the hundred";
  EXPECT_EQ(count(), 100);
}

TEST_F(StoreTest, UndoesOnlyTheOperationThatThrows) {
  std::latch entered(1), go(1), done(4);
  std::atomic<int> failures = 0;
  const auto finished = [&](const std::exception_ptr& error) {
    if (error != nullptr) ++failures;
    done.count_down();
  };
  store.submit_write([&](Tx&) { entered.count_down(), go.wait(); }, finished);
  entered.wait();
  store.submit_write([](Tx& tx) { put(tx, "before"); }, finished);
  store.submit_write([](Tx& tx) { put(tx, "broken"), throw std::runtime_error("no"); }, finished);
  store.submit_write([](Tx& tx) { put(tx, "after"); }, finished);
  go.count_down();
  done.wait();
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(count(), 2);
}

TEST_F(StoreTest, HasCommittedWhatItCompletes) {
  std::atomic<int> seen = -1;
  std::latch done(1);
  store.submit_write([](Tx& tx) { put(tx, "a"); },
                     [&](const std::exception_ptr&) {
                       // Another connection sees it only if it is committed.
                       const auto other = Database::open(folder / "a.db", Database::Mode::read_only);
                       Query row = other->query("SELECT count(*) FROM server_state");
                       row.step();
                       seen = row.get<int>(0);
                       done.count_down();
                     });
  done.wait();
  EXPECT_EQ(seen, 1);
}

TEST_F(StoreTest, TakesWritesFromManyThreads) {
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([this, t] {
        for (int i = 0; i < 25; ++i) store.write([&](Tx& tx) { put(tx, std::to_string(t) + "/" + std::to_string(i)); });
      });
  }
  EXPECT_EQ(count(), 100);
}

TEST_F(StoreTest, RunsWhatIsQueuedBeforeItCloses) {
  std::atomic<int> completed = 0;
  for (int i = 0; i < 50; ++i)
    store.submit_write([i](Tx& tx) { put(tx, std::to_string(i)); }, [&](const std::exception_ptr&) { ++completed; });
  store.close();
  EXPECT_EQ(completed, 50);
  EXPECT_THROW(store.write([](Tx& tx) { put(tx, "late"); }), StoreBusy);
}

TEST_F(StoreTest, TurnsAwayWhoComesWhenTheQueueIsFull) {
  std::latch entered(1), go(1);
  store.submit_write([&](Tx&) { entered.count_down(), go.wait(); }, [](const std::exception_ptr&) {});
  entered.wait();
  for (std::size_t i = 0; i < kQueueMax; ++i) store.submit_write([](Tx&) {}, [](const std::exception_ptr&) {});
  EXPECT_THROW(store.submit_write([](Tx&) {}, [](const std::exception_ptr&) {}), StoreBusy);
  go.count_down();
}

TEST_F(StoreTest, LetsNoReaderWrite) {
  EXPECT_THROW(store.read([](ReadTx& tx) {
    tx.query("DELETE FROM server_state").run();
    return 0;
  }),
               DatabaseError);
}

boost::asio::awaitable<void> write_then_fail(Store* store, std::string* said) {
  const int written = co_await write(*store, [](Tx& tx) {
    return static_cast<int>(tx.change("INSERT INTO server_state (name, value) VALUES ('a', '')"));
  });
  *said = std::to_string(written);
  try {
    co_await write(*store, [](Tx&) { throw std::runtime_error("no"); });
  } catch (const std::runtime_error& error) {
    *said += error.what();
  }
  *said += std::to_string(co_await read(*store, [](ReadTx& tx) { return tx.query("SELECT 1").step() ? 7 : 0; }));
}

TEST_F(StoreTest, ResumesCoroutinesOnTheirOwnThread) {
  boost::asio::io_context io;
  std::string said;
  const auto rethrow = [](const std::exception_ptr& error) {
    if (error != nullptr) std::rethrow_exception(error);
  };
  boost::asio::co_spawn(io, write_then_fail(&store, &said), rethrow);
  io.run();
  EXPECT_EQ(said, "1no7");
}

TEST_F(StoreTest, TellsCoroutinesThatItIsClosed) {
  store.close();
  boost::asio::io_context io;
  std::string said;
  bool busy = false;
  boost::asio::co_spawn(io, write_then_fail(&store, &said), [&busy](const std::exception_ptr& error) {
    try {
      if (error != nullptr) std::rethrow_exception(error);
    } catch (const StoreBusy&) {
      busy = true;
    }
  });
  io.run();
  EXPECT_TRUE(busy);
}

}  // namespace
}  // namespace smgate::store
