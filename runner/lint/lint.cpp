#include "runner/lint/lint.hpp"

#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/file.hpp"

namespace smgate::lint {
namespace {

namespace fs = std::filesystem;

constexpr int kNothingFound = 0, kFound = 1, kUnusable = 2;

std::optional<Language> language_of(const fs::path& file) {
  static constexpr std::array kC = {".c",   ".h",   ".cc",  ".cpp", ".cxx", ".hh",
                                    ".hpp", ".hxx", ".inl", ".inc", ".cu",  ".cuh"};
  const std::string ending = file.extension().string();
  if (ending == ".rs") return Language::rust;
  if (std::find(kC.begin(), kC.end(), ending) != kC.end()) return Language::c;
  return std::nullopt;
}

bool is_left_out(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return name == "node_modules" || (name.size() > 1 && name.front() == '.' && name != "..") ||
         fs::exists(folder / "CACHEDIR.TAG") || fs::exists(folder / "CMakeCache.txt");
}

std::vector<fs::path> sources_below(const fs::path& folder) {
  std::vector<fs::path> files;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied), end;
  for (; at != end; ++at) {
    if (at->is_symlink()) {
      at.disable_recursion_pending();
    } else if (at->is_directory()) {
      if (is_left_out(at->path())) at.disable_recursion_pending();
    } else if (at->is_regular_file() && language_of(at->path())) {
      files.push_back(at->path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::optional<Error> lint_file(const fs::path& file, Linted& linted) {
  if (fs::file_size(file) > kSourceBytesMax) {
    linted.left_out.push_back(file.string());
    return std::nullopt;
  }
  const Result<std::string> source = read_file(file, kSourceBytesMax);
  if (!source) return source.error();
  ++linted.files;
  for (UnusedKey& unused : unused_keys(*source, language_of(file).value_or(Language::c)))
    linted.found.push_back({file.lexically_normal().string(), std::move(unused)});
  return std::nullopt;
}

std::string sentence(const UnusedKey& unused) {
  return fmt::format("{} `{}` never uses its parameter `{}`: whatever key it is given, it does the same",
                     unused.place == Place::macro ? "macro" : "function", unused.name, unused.parameter);
}

nlohmann::json to_json(const Linted& linted) {
  nlohmann::json found = nlohmann::json::array();
  for (const Found& one : linted.found)
    found.push_back({{"file", one.file},
                     {"line", one.unused.line},
                     {"kind", one.unused.place == Place::macro ? "macro" : "function"},
                     {"name", one.unused.name},
                     {"parameter", one.unused.parameter},
                     {"message", sentence(one.unused)}});
  return {{"found", std::move(found)}, {"files", linted.files}, {"left_out", linted.left_out}};
}

void print(const Linted& linted, std::ostream& out) {
  for (const Found& one : linted.found)
    out << fmt::format("{}:{}: unused-key: {}\n", one.file, one.unused.line, sentence(one.unused));
  for (const std::string& file : linted.left_out)
    out << fmt::format("{}: left out: larger than {} MiB\n", file, kSourceBytesMax >> 20U);
  out << fmt::format("lint: {} sources, {} found\n", linted.files, linted.found.size());
  if (!linted.found.empty())
    out << "Use the key in the body. One that is ignored on purpose is left without a name, or [[maybe_unused]].\n";
}

}  // namespace

Result<Linted> lint(const std::vector<fs::path>& paths) {
  Linted linted;
  try {
    for (const fs::path& path : paths) {
      const std::vector<fs::path> files = fs::is_directory(path) ? sources_below(path) : std::vector{path};
      for (const fs::path& file : files)
        if (std::optional<Error> error = lint_file(file, linted)) return std::move(*error);
    }
  } catch (const fs::filesystem_error& error) {
    return Error{"cannot be read: " + error.code().message(), error.path1().string(), ""};
  }
  return linted;
}

int run_lint(const Options& options, std::ostream& out, std::ostream& errors) {
  const Result<Linted> linted = lint(options.paths);
  if (!linted) {
    errors << "smgate-runner lint: " << linted.error().text() << "\n";
    return kUnusable;
  }
  if (linted->files == 0 && linted->left_out.empty()) {
    errors << "smgate-runner lint: no C, C++, CUDA or Rust source there; give a file, or a folder that holds some\n";
    return kUnusable;
  }
  if (options.json)
    out << to_json(*linted).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  else
    print(*linted, out);
  return linted->found.empty() ? kNothingFound : kFound;
}

void add_lint_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "lint", "Find macros and functions that ignore the key they are given, in C, C++, CUDA and Rust sources");
  command->add_option("PATH", options->paths, "files, or folders of sources")->required();
  command->add_flag("--json", options->json, "what was found as JSON");
  command->callback([options, &exit_code] { exit_code = run_lint(*options, std::cout, std::cerr); });
}

}  // namespace smgate::lint
