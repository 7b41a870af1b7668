#include "runner/exec/child.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "runner/exec/process_tree.hpp"
#include "tests/runner/recorder.hpp"
#include "tests/support/scratch.hpp"

namespace smgate::exec {
namespace {

using namespace std::chrono_literals;

class Child : public testing::Test {
 protected:
  ChildResult sh(const std::string& script) { return run({"/bin/sh", "-c", script}); }
  ChildResult run(std::vector<std::string> argv) {
    ChildSpec spec;
    spec.argv = std::move(argv);
    spec.env = env;
    spec.folder = scratch.path();
    spec.deadline = deadline;
    spec.grace = grace;
    return run_child(spec, observer, cancellation);
  }
  int pid_in(const std::string& file) const {
    int pid = 0;
    std::ifstream(scratch / file) >> pid;
    return pid;
  }
  static bool alive(int pid) { return pid > 0 && kill(pid, 0) == 0; }

  test::Scratch scratch;
  test::RecordingObserver observer;
  Cancellation cancellation;
  std::map<std::string, std::string> env{{"PATH", "/usr/bin:/bin"}};
  std::chrono::milliseconds deadline = 60s;
  std::chrono::milliseconds grace = 60s;
};

TEST_F(Child, ReportsExitCodeAndMergedOutputInOrder) {
  const ChildResult result = sh("echo one; echo two >&2; echo three; exit 7");
  EXPECT_EQ(result.end, ChildEnd::exited);
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(observer.text, "one\ntwo\nthree\n");
}

TEST_F(Child, ReportsTheSignalThatEndedIt) {
  const ChildResult result = sh("kill -SEGV $$");
  EXPECT_EQ(result.end, ChildEnd::signalled);
  EXPECT_EQ(result.signal, SIGSEGV);
}

TEST_F(Child, SeesOnlyTheEnvironmentItIsGiven) {
  env = {{"PATH", "/usr/bin:/bin"}, {"WORD", "a=b c"}};
  sh("env | grep -v -e '^PWD=' -e '^_=' -e '^SHLVL=' | sort; pwd");
  EXPECT_EQ(observer.text, "PATH=/usr/bin:/bin\nWORD=a=b c\n" + scratch.path().string() + "\n");
}

TEST_F(Child, SaysWhyItCouldNotStart) {
  const ChildResult result = run({"no-such-program"});
  EXPECT_EQ(result.end, ChildEnd::not_started);
  EXPECT_EQ(result.error, "No such file or directory");
}

TEST_F(Child, HasNoDescriptorsButItsThree) {
  sh("ls /proc/self/fd | wc -l");
  EXPECT_EQ(observer.text, "4\n");  // 0, 1, 2 and the one of ls itself
}

TEST_F(Child, PassesMoreOutputThanAPipeHolds) {
  const ChildResult result = sh("head -c 3000000 /dev/zero | tr '\\0' x");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(observer.text.size(), 3'000'000U);
}

TEST_F(Child, AtItsDeadlineDiesWithAGrandchildThatLeftItsSessionAndIgnoresSigterm) {
  deadline = 500ms;
  grace = 50ms;
  const ChildResult result =
      sh("setsid sh -c 'trap \"\" TERM; echo $$ > daemon; while :; do sleep 1000; done' & trap '' TERM;"
         "while :; do sleep 1000; done");
  EXPECT_EQ(result.end, ChildEnd::timed_out);
  EXPECT_EQ(result.unkillable, 0);
  EXPECT_FALSE(alive(pid_in("daemon")));
}

TEST_F(Child, WhenCancelledMayEndInOrderWithinItsGrace) {
  test::CancelAtWord watching(cancellation);
  ChildSpec spec;
  spec.argv = {"/bin/sh", "-c", "trap 'echo saved; exit 3' TERM; sleep 1000 & echo ready; wait"};
  spec.env = env;
  spec.folder = scratch.path();
  spec.deadline = deadline;
  spec.grace = grace;
  const ChildResult result = run_child(spec, watching, cancellation);
  EXPECT_EQ(result.end, ChildEnd::cancelled);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(watching.text, "ready\nsaved\n");
}

TEST_F(Child, WhenCancelledBeforeItStartsEndsAtOnce) {
  cancellation.request(StopReason::cancelled, "superseded");
  EXPECT_EQ(sh("exec sleep 1000").end, ChildEnd::cancelled);
}

TEST_F(Child, LosesTheDaemonsItLeavesBehind) {
  const ChildResult result =
      sh("setsid sh -c 'echo $$ > daemon; exec sleep 1000' & "
         "until [ -s daemon ]; do :; done; exit 0");
  EXPECT_EQ(result.end, ChildEnd::exited);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_GE(result.left_behind, 1);
  EXPECT_FALSE(alive(pid_in("daemon")));
}

TEST_F(Child, LeavesNoDescriptorAndNoZombie) {
  sh("true");
  const auto descriptors = [] {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
  };
  const auto before = descriptors();
  for (int i = 0; i < 5; ++i) sh("sleep 100 & exit 1");
  EXPECT_EQ(descriptors(), before);
  EXPECT_TRUE(descendants().empty());
}

TEST_F(Child, WhoseSupervisorIsKilledDiesToo) {
  const ChildResult result =
      sh("setsid sh -c 'echo $$ > daemon; exec sleep 1000' & "
         "until [ -s daemon ]; do :; done; kill -KILL $PPID; exec sleep 1000");
  EXPECT_EQ(result.end, ChildEnd::lost);
  EXPECT_FALSE(alive(pid_in("daemon")));
}

// The agent: a process that runs a child and is killed without a chance to clean up.
TEST_F(Child, DiesWithItsAgentAndHoldsTheLockUntilThen) {
  const std::string lock_file = scratch / "lock";
  ASSERT_EQ(mkfifo((scratch / "started").c_str(), 0600), 0);
  const pid_t agent = fork();
  if (agent == 0) {
    const Fd lock(open(lock_file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    ChildSpec spec;
    spec.argv = {"/bin/sh", "-c", "setsid sh -c 'echo $$ > daemon; echo > started; exec sleep 1000'"};
    spec.env = env;
    spec.folder = scratch.path();
    spec.deadline = deadline;
    spec.lock_fd = flock(lock.get(), LOCK_EX) == 0 ? lock.get() : -1;
    run_child(spec, observer, cancellation);
    _exit(1);
  }
  std::string line;
  std::getline(std::ifstream(scratch / "started"), line);
  kill(agent, SIGKILL);
  waitpid(agent, nullptr, 0);
  const Fd lock(open(lock_file.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(flock(lock.get(), LOCK_EX), 0);  // granted when the supervisor has ended the tree
  EXPECT_FALSE(alive(pid_in("daemon")));
  int status = -1;
  waitpid(-1, &status, 0);  // the supervisor: an orphan comes to us, as it would to the host's init
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(descendants().empty());
}

}  // namespace
}  // namespace smgate::exec
