// `smgate-runner check`: judges recorded events, or a text log through an adapter, off line. Called by main; one
// thread.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "common/contract/adapters/spec.hpp"
#include "common/contract/policy.hpp"
#include "common/contract/report.hpp"
#include "common/result.hpp"
#include "runner/check/render.hpp"

namespace CLI {
class App;
}

namespace smgate::check {

// Exit codes of `check` and `run`.
inline constexpr int kExitPass = 0, kExitFail = 1, kExitUnusable = 2, kExitInconclusive = 3;
int exit_code(contract::Verdict verdict);

struct Options {
  std::vector<std::string> paths;  // files, or folders of *.jsonl; with an adapter, text logs
  std::optional<contract::AdapterSpec> adapter;
  std::string gate_file;      // its policy and adapter count: then neither of the other two is given
  std::string policy_file;    // JSON with comments: "policy", "exceptions", "differences" as in a gate file
  std::string manifest_file;  // JSON with what was declared for the run: steps, batch_size, learning_rate, ...
  Format format = Format::text;
};

// Facts of everything under the paths; an error names file, line and field.
Result<contract::Facts> read_facts(const Options& options);
Result<contract::Policy> read_policy_file(const std::string& path);
// An adapter that needs no patterns, by its name.
Result<contract::AdapterSpec> adapter_named(const std::string& name);
// Takes policy, adapter and manifest from a gate file; the manifest is looked for beside it.
std::optional<Error> read_gate(const std::string& path, Options& options, contract::Policy& policy);
// Adds the manifest's values to what the policy declares (DS-6). Fields that name no setting of a run are ignored.
std::optional<Error> read_manifest(const std::string& path, contract::Policy& policy);

// Returns the exit code. Colour only where `terminal` says that `out` is one.
int run_check(Options options, std::ostream& out, std::ostream& errors, bool terminal);

// Adds --format and its short form --json to a command that prints a report. `format` outlives the parsing.
void add_format_options(CLI::App& command, Format& format);

// Adds the subcommand; its callback sets exit_code.
void add_check_command(CLI::App& app, int& exit_code);

}  // namespace smgate::check
