// The kernel cache's threads, under ThreadSanitizer too.
#include <gtest/gtest.h>

#include "runner/workload/cache/compile_pool.hpp"
#include "runner/workload/cache/disk_cache.hpp"
#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

std::vector<std::string> kinds_and_keys(Parts& parts) {
  const RunConfig config = *config_of_scale("tiny");
  const PrewarmList list = builtin_prewarm();
  for (const auto warm : {list.teacher, list.student, list.student_backward}) {
    parts.cache().begin_prewarm("all");
    warm(parts.cache(), config);
    parts.cache().end_prewarm();
  }
  std::vector<std::string> said;
  for (const std::string& line : parts.events()) {
    const bool keyed = line.find("\"key\"") != std::string::npos;
    said.push_back(field(line, "ev") + " " + (keyed ? field(line, "key") : ""));
  }
  return said;
}

TEST(CompileThreads, ReportInTheOrderThatOneThreadWouldHave) {
  Parts one;
  const auto expected = kinds_and_keys(one);
  EXPECT_GT(expected.size(), 100u);
  const Scratch scratch;
  DiskCache disk(scratch.path().string());
  for (int round = 0; round < 3; ++round) {
    Parts many("sm_89", source_compiler(), {round == 0 ? &disk : nullptr, "", false, 4});
    EXPECT_EQ(kinds_and_keys(many), expected) << round;
  }
}

class FailingCompiler : public Compiler {
 public:
  std::string describe() const override { return "failing"; }
  bool real() const override { return true; }
  Compiled compile(const Body&, const std::string& arch) const override { return {false, "", arch, "no", 0.0}; }
  std::string inputs(const Body& body, const std::string&) const override { return body.text(); }
};

TEST(CompileThreads, EndWithAFailedPrewarm) {
  Parts parts("sm_89", std::make_unique<FailingCompiler>(), {nullptr, "", false, 4});
  EXPECT_THROW(kinds_and_keys(parts), RunFailure);
  EXPECT_EQ(of_kind(parts.events(), "compile").size(), 1u);
}

TEST(CompilePool, DropsWhatHasNotStartedWhenItEnds) {
  std::atomic<int> ran{0};
  {
    CompilePool pool(2);
    for (int i = 0; i < 1000; ++i) pool.run([&ran] { ++ran; });
  }
  EXPECT_LE(ran.load(), 1000);
  EXPECT_GE(compile_threads(), 1u);
}

}  // namespace
}  // namespace smgate::workload::test
