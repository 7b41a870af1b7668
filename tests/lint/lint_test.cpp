#include "runner/lint/lint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/scratch.hpp"

namespace smgate::lint {
namespace {

constexpr const char* kIgnores = "void warm(int key) { offer(\"silu_forward\"); }\n";

class LintTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((scratch.path() / name).parent_path());
    std::ofstream(scratch.path() / name, std::ios::binary) << text;
  }
  int run(bool json = false) { return run_lint({{scratch.path()}, json}, out, errors); }

  const test::Scratch scratch;
  std::ostringstream out, errors;
};

TEST_F(LintTest, NamesFileAndLine) {
  write("src/warm.cu", "\n" + std::string(kIgnores));
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(out.str(), testing::HasSubstr((scratch.path() / "src/warm.cu").string() +
                                            ":2: unused-key: function `warm` never uses its parameter `key`"));
}

TEST_F(LintTest, SaysThatAllIsWell) {
  write("a.hpp", "void warm(int key) { offer(key); }\n");
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(out.str(), "lint: 1 sources, 0 found\n");
}

TEST_F(LintTest, PrintsJsonForMachines) {
  write("a.rs", "macro_rules! w { ($key:expr) => { f() } }");
  EXPECT_EQ(run(true), 1);
  const auto report = nlohmann::json::parse(out.str());
  EXPECT_EQ(report["found"][0]["parameter"], "$key");
  EXPECT_EQ(report["found"][0]["line"], 1);
  EXPECT_EQ(report["files"], 1);
}

TEST_F(LintTest, LeavesOutWhatIsNoSourceOfTheProject) {
  write("node_modules/x.c", kIgnores);
  write(".git/x.c", kIgnores);
  write("target/CACHEDIR.TAG", "");
  write("target/x.c", kIgnores);
  write("notes.txt", kIgnores);
  write("a.c", "int x;\n");
  EXPECT_EQ(run(), 0);
}

TEST_F(LintTest, FollowsNoLink) {
  write("a.c", "int x;\n");
  std::filesystem::create_directory_symlink(scratch.path(), scratch.path() / "again");
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(out.str(), "lint: 1 sources, 0 found\n");
}

TEST_F(LintTest, RefusesAPathThatIsNotThereOrHoldsNoSource) {
  EXPECT_EQ(run(), 2);
  EXPECT_THAT(errors.str(), testing::HasSubstr("no C, C++, CUDA or Rust source"));
  EXPECT_EQ(run_lint({{scratch.path() / "gone"}, false}, out, errors), 2);
  EXPECT_THAT(errors.str(), testing::HasSubstr("gone"));
}

}  // namespace
}  // namespace smgate::lint
