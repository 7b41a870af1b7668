#include "runner/run/copy_tree.hpp"

#include <gtest/gtest.h>

#include "common/file.hpp"
#include "tests/support/git_repository.hpp"

namespace smgate::run {
namespace {

namespace fs = std::filesystem;

class CopyTreeTest : public testing::Test {
 protected:
  void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  Result<void> copy() { return copy_tree(fs::canonical(from), to, from / "kept"); }
  std::string copied(const std::string& name) {
    const auto text = read_file(to / name, 1000);
    return text ? *text : "absent";
  }

  test::Scratch scratch;
  fs::path from = scratch / "tree";
  fs::path to = from / "kept" / "again" / "work";
};

TEST_F(CopyTreeTest, TakesWhatIsTrackedOrNewAndLeavesWhatIsIgnored) {
  test::GitRepository repository(from);
  repository.commit({{"a.txt", "old"}, {"gone.txt", ""}, {".gitignore", "build/\n"}});
  write(from / "a.txt", "changed");
  write(from / "b" / "new.txt", "new");
  write(from / "build" / "cache", "of another folder");
  fs::remove(from / "gone.txt");
  ASSERT_TRUE(copy()) << copy().error().text();
  EXPECT_EQ(copied("a.txt"), "changed");
  EXPECT_EQ(copied("b/new.txt"), "new");
  EXPECT_EQ(copied("build/cache"), "absent");
  EXPECT_EQ(copied("gone.txt"), "absent");
  EXPECT_EQ(copied("kept"), "absent");
}

TEST_F(CopyTreeTest, KnowsItsCommit) {
  test::GitRepository repository(from);
  const CommitSha head = repository.commit({{"a.txt", "x"}});
  ASSERT_TRUE(copy());
  EXPECT_EQ(test::GitRepository(to).head(), head);
  EXPECT_EQ(test::GitRepository(to).git({"status", "--porcelain"}), "");
}

TEST_F(CopyTreeTest, CopiesAllWhereThereIsNoGit) {
  write(from / "x" / "y", "z");
  fs::create_symlink("y", from / "x" / "link");
  ASSERT_TRUE(copy());
  EXPECT_EQ(copied("x/y"), "z");
  EXPECT_TRUE(fs::is_symlink(to / "x" / "link"));
  EXPECT_FALSE(fs::exists(to / "kept"));
}

TEST_F(CopyTreeTest, SaysWhatCannotBeCopied) {
  write(from / "a", "x");
  write(to.parent_path(), "a file where a folder must go");
  EXPECT_FALSE(copy());
}

}  // namespace
}  // namespace smgate::run
