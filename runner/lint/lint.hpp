// `smgate-runner lint PATH...`: finds in a work tree's sources what cannot be right in any run. Called by main; one
// thread.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "runner/lint/unused_key.hpp"

namespace CLI {
class App;
}

namespace smgate::lint {

inline constexpr std::size_t kSourceBytesMax = 16U << 20U;  // a larger source is generated; it is named and left out

struct Found {
  std::string file;
  UnusedKey unused;
};
struct Linted {
  std::vector<Found> found;  // by file, then line
  std::size_t files = 0;     // sources that were read
  std::vector<std::string> left_out;
};

// Sources below each path by their endings; a file that is named is read whatever its ending. Left out are hidden
// folders and links, node_modules, and folders of build output (those with a CACHEDIR.TAG or a CMakeCache.txt). An
// error names the path that cannot be read.
Result<Linted> lint(const std::vector<std::filesystem::path>& paths);

struct Options {
  std::vector<std::filesystem::path> paths;
  bool json = false;
};
// Exit code: 0 nothing found, 1 something found, 2 a path cannot be read or holds no source.
int run_lint(const Options& options, std::ostream& out, std::ostream& errors);

// Adds the subcommand; its callback sets exit_code.
void add_lint_command(CLI::App& app, int& exit_code);

}  // namespace smgate::lint
