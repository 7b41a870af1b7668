// Runs a fuzz target without a fuzzer: every file of the corpus folders, then mutations of them from a fixed seed, so
// that a failure comes again. An input that stops the program is printed as hex.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/file.hpp"
#include "common/random.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
constexpr int kMutationsEach = 1500;
constexpr std::size_t kFileBytesMax = 4U << 20U;
constexpr std::uint64_t kSeed = 1;

using Corpus = std::vector<std::string>;

Corpus read_corpus(int argc, char** argv) {
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i)
    for (const auto& entry : fs::recursive_directory_iterator(argv[i]))
      if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  Corpus corpus{""};
  for (const fs::path& file : files) corpus.push_back(smgate::read_file(file, kFileBytesMax).value());
  return corpus;
}

// One small change: a bit, a byte that parsers care about, a piece gone, doubled, or taken from another input.
void mutate_once(std::string& text, const Corpus& corpus, smgate::Random& random) {
  static constexpr std::string_view kTelling("{}[]\",:\\0-9.eE\n\x00\x7f\xff\xc3", 19);
  const std::size_t at = static_cast<std::size_t>(random.below(text.size() + 1));
  const std::size_t length = static_cast<std::size_t>(random.below(16)) + 1;
  const std::string& other = corpus[random.below(corpus.size())];
  switch (random.below(6)) {
    case 0:
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
      break;
    case 1:
      text.insert(at, 1, kTelling[random.below(kTelling.size())]);
      break;
    case 2:
      text.erase(at, length);
      break;
    case 3:
      text.insert(at, std::string(text.substr(at, length)));
      break;
    case 4:
      text.resize(at);
      break;
    default:
      text.insert(at, other.substr(random.below(other.size() + 1), length * 4));
      break;
  }
}

// Where a signal or a sanitizer ends the program, the input is printed: the target says nothing itself.
const std::string* g_input = nullptr;

void print_input() {
  if (g_input == nullptr) return;
  std::fputs("stopped at this input, as hex: ", stderr);
  for (const char c : *g_input) std::fprintf(stderr, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  std::fputc('\n', stderr);
}

void on_abort(int) {
  print_input();
  std::_Exit(1);
}

void run(const std::string& text) {
  g_input = &text;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  g_input = nullptr;
}

}  // namespace

// Sanitizers call this before they end the program (sanitizer/common_interface_defs.h).
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

int main(int argc, char** argv) {
  std::signal(SIGABRT, on_abort);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(print_input);
  const Corpus corpus = read_corpus(argc, argv);
  smgate::SeededRandom random(kSeed);
  std::size_t count = 0;
  for (const std::string& input : corpus) {
    run(input);
    for (int i = 0; i < kMutationsEach; ++i, ++count) {
      std::string text = input;
      for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) mutate_once(text, corpus, random);
      run(text);
    }
  }
  std::printf("replayed %zu inputs and %zu mutations\n", corpus.size(), count);
  return corpus.size() > 1 ? 0 : 1;
}
