// Real bubblewrap around real stages; skipped, with the reason, on hosts that forbid it.
#include "runner/exec/sandbox.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <fstream>

#include "common/file.hpp"
#include "runner/exec/job_folder.hpp"
#include "tests/runner/recorder.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::exec {
namespace {

using namespace std::chrono_literals;

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(scratch / "data/mirror");
    std::ofstream(scratch / "data/token") << "secret";
    std::ofstream(scratch / "data/mirror/object") << "object";
    std::ofstream(scratch / "config") << "secret";
    std::filesystem::create_directories(job.work_tree());
    const Result<Sandbox> opened = open_sandbox({scratch / "config", scratch / "data", scratch / "absent"});
    if (!opened) GTEST_SKIP() << opened.error().text();
    sandbox = *opened;
    sandbox.shown = {scratch / "data/mirror"};
    sandbox.folder = job.path();
  }
  ChildResult sh(const std::string& script) { return run({"/bin/sh", "-c", script}); }
  ChildResult run(std::vector<std::string> argv) { return run(std::move(argv), observer); }
  ChildResult run(std::vector<std::string> argv, ChildObserver& watching) {
    ChildSpec spec;
    spec.argv = std::move(argv);
    spec.env = env;
    spec.folder = job.work_tree();
    spec.deadline = 60s;
    spec.grace = 20s;
    close_off(sandbox, spec);
    return run_child(spec, watching, cancellation);
  }

  test::Scratch scratch;
  JobFolder job{scratch / "data/jobs/1"};
  Sandbox sandbox;
  test::RecordingObserver observer;
  Cancellation cancellation;
  std::map<std::string, std::string> env{{"PATH", "/usr/bin:/bin"}, {"WORD", "a=b c"}};
};

TEST_F(SandboxTest, HidesTheAgentsFilesAndShowsTheMirror) {
  sh("ls .. ../..; cat ../../../token ../../../../config; cat ../../../mirror/object");
  EXPECT_EQ(observer.text.find("secret"), std::string::npos) << observer.text;
  EXPECT_NE(observer.text.find("object"), std::string::npos) << observer.text;
}

TEST_F(SandboxTest, LetsAStageWriteToItsJobAlone) {
  const std::string outside = (scratch / "outside").string();
  sh("echo 1 > kept; echo 2 > /etc/smgate-was-here; echo 3 > ../../../mirror/object; echo 4 > /tmp/mine; echo 5 > " +
     outside);
  EXPECT_EQ(*read_file(job.work_tree() / "kept", 10), "1\n");
  EXPECT_EQ(*read_file(job.path() / "tmp/mine", 10), "4\n");
  EXPECT_EQ(*read_file(scratch / "data/mirror/object", 10), "object");
  EXPECT_FALSE(std::filesystem::exists("/etc/smgate-was-here"));
  EXPECT_FALSE(std::filesystem::exists(outside));
}

TEST_F(SandboxTest, ShowsNoProcessOfTheHost) {
  sh("kill -9 " + std::to_string(getpid()) + "; ls -d /proc/[0-9]* | wc -l");
  EXPECT_NE(observer.text.find("No such process"), std::string::npos) << observer.text;
  EXPECT_LE(std::stoi(observer.text.substr(observer.text.rfind('\n', observer.text.size() - 2) + 1)), 5);
}

TEST_F(SandboxTest, PassesTheEnvironmentOnAndNoneOfItToBubblewrap) {
  env["LD_PRELOAD"] = (job.work_tree() / "evil.so").string();
  sh("echo $WORD; pwd");
  EXPECT_NE(observer.text.find("a=b c\n" + job.work_tree().string() + "\n"), std::string::npos) << observer.text;
  // The dynamic linker of each program that has the variable complains: env(1)'s and the shell's.
  const std::string complaint = "evil.so";
  int complaints = 0;
  for (std::size_t at = 0; (at = observer.text.find(complaint, at)) != std::string::npos; at += complaint.size())
    ++complaints;
  EXPECT_EQ(complaints, 2) << observer.text;
}

TEST_F(SandboxTest, TellsExitCodesSignalsAndWhatCannotBeStarted) {
  EXPECT_EQ(sh("exit 7").exit_code, 7);
  const ChildResult killed = sh("kill -SEGV $$");
  EXPECT_EQ(killed.end, ChildEnd::signalled);
  EXPECT_EQ(killed.signal, SIGSEGV);
  EXPECT_EQ(run({"./smoke"}).exit_code, 127);
  EXPECT_NE(observer.text.find("./smoke"), std::string::npos);
}

TEST_F(SandboxTest, CountsWhatAStageLeavesRunning) {
  EXPECT_EQ(sh("true").left_behind, 0);
  EXPECT_EQ(sh("setsid sleep 1000 & setsid sleep 1000 & true").left_behind, 2);
}

TEST_F(SandboxTest, LetsAStageThatIsCancelledEndInItsOwnWay) {
  test::CancelAtWord watching(cancellation);
  const std::string script = "trap 'echo saved > checkpoint; exit 3' TERM; echo ready; while :; do sleep 0.01; done";
  const ChildResult result = run({"/bin/sh", "-c", script}, watching);
  EXPECT_EQ(result.end, ChildEnd::cancelled);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(*read_file(job.work_tree() / "checkpoint", 10), "saved\n");
}

TEST(OpenSandbox, SaysWhatAHostLacks) {
  const std::string path = getenv("PATH");
  setenv("PATH", "/no/such/folder", 1);
  const Result<Sandbox> opened = open_sandbox({});
  setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text().find("/sandbox/enabled"), std::string::npos);
}

}  // namespace
}  // namespace smgate::exec
