#include "runner/workload/cache/disk_cache.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "runner/workload/base/sha256.hpp"
#include "runner/workload/cache/headers.hpp"
#include "tests/workload/support.hpp"

namespace smgate::workload::test {
namespace {

namespace fs = std::filesystem;

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

void overwrite(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

const std::string kKey = sha256_hex("a key");
const std::string kOther = sha256_hex("another key");

TEST(DiskCache, GivesBackWhatWasStoredAndLeavesNothingElse) {
  const Scratch scratch;
  const DiskCache cache((scratch / "cache").string());
  EXPECT_FALSE(cache.find(kKey).code);
  EXPECT_EQ(cache.find(kKey).warning, "");
  EXPECT_EQ(cache.store(kKey, std::string("code\0with a zero", 16)), "");
  EXPECT_EQ(cache.find(kKey).code, std::string("code\0with a zero", 16));
  EXPECT_EQ(files_in(scratch / "cache"), 1u);
}

TEST(DiskCache, RefusesEveryCutAndEveryFlippedByteWithAWarning) {
  const Scratch scratch;
  const DiskCache cache(scratch.path().string());
  cache.store(kKey, "some code");
  const fs::path path = scratch / (kKey + ".kernel");
  std::ifstream file(path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(file)), {});
  for (std::size_t i = 0; i < whole.size(); ++i) {
    overwrite(path, whole.substr(0, i));
    EXPECT_FALSE(cache.find(kKey).code) << "cut at " << i;
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    overwrite(path, flipped);
    EXPECT_FALSE(cache.find(kKey).code) << "flipped at " << i;
    EXPECT_NE(cache.find(kKey).warning, "");
  }
}

TEST(DiskCache, RefusesAnEntryThatIsOfAnotherKey) {
  const Scratch scratch;
  const DiskCache cache(scratch.path().string());
  cache.store(kOther, "other code");
  fs::copy(scratch / (kOther + ".kernel"), scratch / (kKey + ".kernel"));
  EXPECT_FALSE(cache.find(kKey).code);
}

TEST(DiskCache, DropsWhatWasUsedLongestAgo) {
  const Scratch scratch;
  const DiskCache cache(scratch.path().string(), 700);  // two entries of 300 bytes and their heads do not fit
  const std::string old = sha256_hex("old");
  for (const std::string& key : {old, kKey}) cache.store(key, std::string(300, 'x'));
  const auto past = fs::file_time_type::clock::now() - std::chrono::hours(2);
  fs::last_write_time(scratch / (old + ".kernel"), past - std::chrono::hours(1));
  fs::last_write_time(scratch / (kKey + ".kernel"), past);
  EXPECT_TRUE(cache.find(old).code);  // now it is the one used last
  overwrite(scratch / "not-ours.txt", std::string(1000, 'x'));
  cache.evict();
  EXPECT_TRUE(cache.find(old).code);
  EXPECT_FALSE(cache.find(kKey).code);
  EXPECT_TRUE(fs::exists(scratch / "not-ours.txt"));
}

TEST(DiskCache, RemovesWhatADeadWriterLeftAndKeepsALivingOnes) {
  const Scratch scratch;
  const DiskCache cache(scratch.path().string());
  overwrite(scratch / "a.kernel.partial-1-0", "x");
  overwrite(scratch / "b.kernel.partial-2-0", "x");
  fs::last_write_time(scratch / "a.kernel.partial-1-0", fs::file_time_type::clock::now() - std::chrono::hours(2));
  cache.evict();
  EXPECT_FALSE(fs::exists(scratch / "a.kernel.partial-1-0"));
  EXPECT_TRUE(fs::exists(scratch / "b.kernel.partial-2-0"));
}

TEST(DiskCache, TwoProcessesMayFillOneFolder) {
  const Scratch scratch;
  const std::string code(100'000, 'c');
  const pid_t child = ::fork();
  const DiskCache cache(scratch.path().string());
  bool good = true;
  for (int i = 0; i < 100; ++i) {
    good = good && cache.store(kKey, code).empty();
    good = good && cache.find(kKey).code == code;
  }
  if (child == 0) ::_exit(good ? 0 : 1);
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(good);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(files_in(scratch.path()), 1u);
}

TEST(DiskCache, SaysWhyItCannotStore) {
  const Scratch scratch;
  const DiskCache cache((scratch / "cache").string());
  fs::remove_all(scratch / "cache");
  EXPECT_NE(cache.store(kKey, "code").find("No such file"), std::string::npos);
  overwrite(scratch / "file", "");
  EXPECT_THROW(DiskCache((scratch / "file" / "cache").string()), RunFailure);
}

void warm(Parts& parts) {
  parts.cache().begin_prewarm("teacher");
  parts.cache().offer("silu_forward", bodies::silu_forward());
  parts.cache().offer("rmsnorm", bodies::rmsnorm_forward(96, 1e-6f));
  parts.cache().end_prewarm();
}

TEST(KernelCacheOnDisk, CompilesOnceForTwoRunsAndReportsTheLoads) {
  const Scratch scratch;
  DiskCache disk(scratch.path().string());
  Parts first("sm_89", source_compiler(), {&disk, "", false, 0});
  Parts second("sm_89", source_compiler(), {&disk, "", false, 0});
  for (Parts* parts : {&first, &second}) warm(*parts);
  EXPECT_EQ(of_kind(first.events(), "compile").size(), 2u);
  EXPECT_EQ(of_kind(second.events(), "compile").size(), 0u);
  EXPECT_EQ(of_kind(second.events(), "load").size(), 2u);
  EXPECT_EQ(field(of_kind(first.events(), "load").at(0), "module"),
            field(of_kind(second.events(), "load").at(0), "module"));
  Parts other("sm_121", source_compiler(), {&disk, "", false, 0});
  warm(other);
  EXPECT_EQ(of_kind(other.events(), "compile").size(), 2u);
}

TEST(KernelCacheOnDisk, CompilesADamagedEntryAgainAndNotesIt) {
  const Scratch scratch;
  DiskCache disk(scratch.path().string());
  Parts first("sm_89", source_compiler(), {&disk, "", false, 0});
  warm(first);
  for (const auto& entry : fs::directory_iterator(scratch.path())) overwrite(entry.path(), "spoiled");
  Parts second("sm_89", source_compiler(), {&disk, "", false, 0});
  warm(second);
  EXPECT_EQ(of_kind(second.events(), "compile").size(), 2u);
  EXPECT_NE(field(of_kind(second.events(), "note").at(0), "text").find("damaged"), std::string::npos);
}

TEST(KernelCache, InStrictModeRefusesACompileAfterPrewarm) {
  Parts parts("sm_89", source_compiler(), {nullptr, "", true, 0});
  warm(parts);
  parts.cache().get_or_compile("teacher", "silu_forward", bodies::silu_forward());
  EXPECT_THROW(parts.cache().get_or_compile("teacher", "silu_backward", bodies::silu_backward()), RunFailure);
  EXPECT_EQ(field(of_kind(parts.events(), "lookup").at(1), "hit"), "false");
  EXPECT_EQ(of_kind(parts.events(), "compile").size(), 2u);
}

TEST(KernelCache, NotesAHitWhoseModuleWasBuiltFromAnotherBody) {
  Parts parts;
  warm(parts);
  for (int i = 0; i < 2; ++i) parts.cache().get_or_compile("teacher", "rmsnorm", bodies::rmsnorm_forward(96, 1e-5f));
  ASSERT_EQ(of_kind(parts.events(), "note").size(), 1u);
  EXPECT_NE(field(of_kind(parts.events(), "note").at(0), "text").find("rmsnorm"), std::string::npos);
}

TEST(SmokeMain, WithADiskCacheDoesNotAttestACold) {
  const Scratch scratch;
  const SmokeRun run =
      smoke({"--arch", "sm_89", "--compiler", "none", "--steps", "1", "--disk-cache", (scratch / "kernels").string()});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.of("run_start").at(0).find("\"cold\""), std::string::npos);
  EXPECT_GT(files_in(scratch / "kernels"), 20u);
}

TEST(SmokeMain, InStrictModeFailsWhereAKernelWasNotPrewarmed) {
  const SmokeRun run =
      smoke({"--arch", "sm_89", "--compiler", "none", "--steps", "1", "--strict", "--fault", "missing-stage"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(field(run.of("error").at(0), "text").find("rms_norm_gamma_reduce"), std::string::npos);
}

TEST(IncludedHeaders, AreReadOnceEachAndThroughOneAnother) {
  const Scratch scratch;
  overwrite(scratch / "a.h", "#include \"b.h\"\nint a;\n");
  overwrite(scratch / "b.h", "#  include <a.h>\nint b;\n");
  const std::string source = "#include \"a.h\"\n#include <cuda_fp16.h>\n#include \"unclosed\n";
  const std::string before = included_headers(source, {"/no/such", scratch.path().string()});
  EXPECT_NE(before.find("int a;"), std::string::npos);
  EXPECT_NE(before.find("int b;"), std::string::npos);
  EXPECT_NE(before.find("cuda_fp16.h 0"), std::string::npos);
  overwrite(scratch / "b.h", "int c;\n");
  EXPECT_NE(before, included_headers(source, {scratch.path().string()}));
  EXPECT_EQ(included_headers("int x;\n// #include nothing\n", {}), "");
}

}  // namespace
}  // namespace smgate::workload::test
