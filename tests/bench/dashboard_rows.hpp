// A store as full as asked for: runs on some branches, two judged jobs each, with curves, reports and figures. Written
// straight into the tables in a few transactions, because a hundred million points one event at a time take days.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/store/database.hpp"

namespace smgate::bench {

struct Scale {
  std::int64_t runs = 100;
  std::int64_t points = 500;  // of each of its two jobs
  std::int64_t branches = 50;
};

struct Sample {
  std::string run;
  std::string job;
};
// Runs that lie all over the store, that of the middle first.
std::vector<Sample> fill(store::Database& database, const Scale& scale);

// Where the board's pages after the first begin.
std::vector<std::string> board_cursors(store::Database& database);

// What each answer is made of, read by plain statements: how many bytes came.
std::uint64_t read_board(store::Database& database, const std::string& before = "~");
std::uint64_t read_run(store::Database& database, const Sample& sample);
std::uint64_t read_curve(store::Database& database, const Sample& sample);

}  // namespace smgate::bench
