#include "common/file.hpp"

#include <gtest/gtest.h>

#include "common/subprocess.hpp"
#include "tests/support/scratch.hpp"

namespace smgate {
namespace {

TEST(WriteFileDurably, ReplacesTheWholeFile) {
  const test::Scratch scratch;
  write_file_durably(scratch / "a", "first, and longer");
  write_file_durably(scratch / "a", "second");
  EXPECT_EQ(read_file(scratch / "a", 100).value(), "second");
  EXPECT_FALSE(std::filesystem::exists(scratch / "a.tmp"));
}

TEST(ReadFile, SaysWhatIsMissingOrTooLarge) {
  const test::Scratch scratch;
  EXPECT_NE(read_file(scratch / "none", 10).error().text().find("none: cannot be opened"), std::string::npos);
  write_file_durably(scratch / "a", "0123456789X");
  EXPECT_NE(read_file(scratch / "a", 10).error().text().find("larger than 10 bytes"), std::string::npos);
}

Command shell(const std::string& line) {
  Command command;
  command.argv = {"/bin/sh", "-c", line};
  return command;
}

TEST(RunCommand, ReturnsOutputAndExitCode) {
  const auto output = run_command(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(output.has_value());
  EXPECT_EQ(output->out, "out\n");
  EXPECT_EQ(output->err, "err\n");
  EXPECT_EQ(output->exit_code, 3);
}

TEST(RunCommand, KillsTheGroupAtItsDeadline) {
  Command command = shell("sleep 600 & sleep 600");
  command.deadline = std::chrono::milliseconds(50);
  const auto output = run_command(command);
  ASSERT_FALSE(output.has_value());
  EXPECT_NE(output.error().text().find("did not end within 50 ms"), std::string::npos);
}

TEST(RunCommand, StopsAProgramThatFloods) {
  Command command = shell("yes");
  command.output_bytes_max = 100'000;
  EXPECT_FALSE(run_command(command).has_value());
}

TEST(RunCommand, SaysThatAProgramIsNotThere) {
  Command command;
  command.argv = {"/nonexistent/program"};
  EXPECT_NE(run_command(command).error().text().find("cannot be started"), std::string::npos);
}

TEST(RunCommand, PassesNoVariableButPathAndItsOwn) {
  Command command = shell("env | sort | cut -d= -f1 | grep -v -e '^_$' -e PWD -e SHLVL");
  command.env = {{"MINE", "1"}};
  EXPECT_EQ(run_command(command)->out, "MINE\nPATH\n");
}

}  // namespace
}  // namespace smgate
