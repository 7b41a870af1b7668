#include "runner/lint/unused_key.hpp"

#include <gtest/gtest.h>

namespace smgate::lint {
namespace {

using Keys = std::vector<UnusedKey>;

Keys in_c(std::string_view source) { return unused_keys(source, Language::c); }
Keys in_rust(std::string_view source) { return unused_keys(source, Language::rust); }

// The macro that cost nine pull requests: `key` is a variable beside it, set once, and `$key` is nowhere.
TEST(UnusedKey, FindsTheMacroOfTheIncident) {
  EXPECT_EQ(in_rust(R"(macro_rules! warm {
    ($key:expr, $kernel:expr) => {{
        let ptx = $kernel.emit_ptx_for_target(&target);
        self.get_or_compile(&key, &ptx)?;
    }};
})"),
            (Keys{{2, Place::macro, "warm", "$key"}}));
}

TEST(UnusedKey, FindsNothingInTheMacroOnceItUsesItsKey) {
  EXPECT_EQ(in_rust("macro_rules! warm { ($key:expr, $k:expr) => {{ cache.get($key, $k)?; }}; }"), Keys{});
}

TEST(UnusedKey, FindsTheMacroInC) {
  EXPECT_EQ(
      in_c("#include <x>\n#define WARM(cache, key, body) \\\n  (cache).offer(\"silu_forward\", /* key */ (body))\n"),
      (Keys{{2, Place::macro, "WARM", "key"}}));
  EXPECT_EQ(in_c("#define WARM(cache, key, body) (cache).offer(key, (body))\n"), Keys{});
  EXPECT_EQ(in_c("#define NAME(key) #key\n"), Keys{});
}

TEST(UnusedKey, FindsAFunctionAndItsLine) {
  EXPECT_EQ(in_c("void warm(Cache& cache,\n          const std::string& kernel_key, Body body) {\n"
                 "  cache.offer(\"silu_forward\", body);  // kernel_key\n}\n"),
            (Keys{{2, Place::function, "warm", "kernel_key"}}));
  EXPECT_EQ(in_c("auto f = [&](int cacheKey) { go(); };"), (Keys{{1, Place::function, "(lambda)", "cacheKey"}}));
  EXPECT_EQ(in_c("M& C::operator()(const Key& key) const noexcept { return first_; }"),
            (Keys{{1, Place::function, "operator", "key"}}));
  EXPECT_EQ(in_c("__global__ void k(std::map<int, int> keys, int n = f(1, 2)) { n = 0; }"),
            (Keys{{1, Place::function, "k", "keys"}}));
}

TEST(UnusedKey, SeesTheUseInAConstructorsInitializers) {
  EXPECT_EQ(in_c("Entry::Entry(std::string key, int n) : key_(std::move(key)), n_{n} { count(); }"), Keys{});
  EXPECT_EQ(in_c("Entry::Entry(std::string key, int n) : key_(), n_{n} { count(); }"),
            (Keys{{1, Place::function, "Entry", "key"}}));
}

TEST(UnusedKey, LeavesWhatIsIgnoredOnPurpose) {
  EXPECT_EQ(in_c("int f(const Key&) { return g(); }"), Keys{});
  EXPECT_EQ(in_c("int f(const std::Key) { return g(); }"), Keys{});
  EXPECT_EQ(in_c("int f([[maybe_unused]] int key) { return g(); }"), Keys{});
  EXPECT_EQ(in_c("int f(int key) { (void)key; return g(); }"), Keys{});
}

TEST(UnusedKey, LeavesStubsAndDeclarations) {
  EXPECT_EQ(in_c("#define TRACE(key)\n#endif\n#define TRACE2(key) do {} while (0)\n"), Keys{});
  EXPECT_EQ(in_c("int f(int key) {}\nint* g(int key) { return nullptr; }\nint h(int key);\nint i(int key) = delete;"),
            Keys{});
  EXPECT_EQ(in_rust("macro_rules! warm { ($key:expr) => {}; }"), Keys{});
}

TEST(UnusedKey, TakesACallForNoFunction) {
  EXPECT_EQ(in_c("void f() { if (has(int(key))) { go(); } for (auto key : keys) { go(); } g(a key); { go(); } }"),
            Keys{});
}

TEST(UnusedKey, JudgesEachArmOfAMacroForItself) {
  EXPECT_EQ(in_rust("macro_rules! w {\n ($key:expr) => { f($key) };\n ($key:expr, $n:expr) => [ f(key, $n) ]\n}"),
            (Keys{{3, Place::macro, "w", "$key"}}));
}

TEST(UnusedKey, ReadsNothingInLiteralsAndComments) {
  EXPECT_EQ(
      in_c("const char* a = R\"x(#define W(key) f() \" )x\"; // #define W(key) f()\n/* void f(int key) { g(); } */"),
      Keys{});
  EXPECT_EQ(
      in_rust("/* /* */ macro_rules! w { ($key:expr) => { f() } } */ let s = r#\"macro_rules! \"#; let c = '\"';"),
      Keys{});
  EXPECT_EQ(in_rust("fn f<'a>(x: &'a str) {} macro_rules! w { ($key:expr) => { f('x', '\\'') } }").size(), 1U);
}

TEST(UnusedKey, AWordOfTheNameSaysKey) {
  for (const char* name :
       {"key", "Key", "KEY", "kernel_key", "cacheKey", "KeyText", "key_", "$key", "CACHE_KEY", "key2"})
    EXPECT_TRUE(says_key(name)) << name;
  for (const char* name : {"monkey", "keyboard", "k", "", "donKeyed", "_"}) EXPECT_FALSE(says_key(name)) << name;
}

TEST(UnusedKey, TakesAnyBytes) {
  for (const char* source : {"(", "#define", "#define A(key", "void f(int key) {", "macro_rules! a",
                             "macro_rules! a {(", "R\"", "R\"(", "'", "\"\\", "/*", "))}}", "$", "\\"}) {
    EXPECT_EQ(in_c(source), Keys{}) << source;
    EXPECT_EQ(in_rust(source), Keys{}) << source;
  }
}

}  // namespace
}  // namespace smgate::lint
