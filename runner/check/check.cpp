#include "runner/check/check.hpp"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>

#include "common/contract/adapters/adapter.hpp"
#include "common/contract/judge.hpp"

namespace smgate::check {

int exit_code(contract::Verdict verdict) {
  switch (verdict) {
    case contract::Verdict::pass:
      return kExitPass;
    case contract::Verdict::fail:
      return kExitFail;
    case contract::Verdict::inconclusive:
      return kExitInconclusive;
  }
  return kExitUnusable;
}

int run_check(Options options, std::ostream& out, std::ostream& errors, bool terminal) {
  const auto refuse = [&](const Error& error) {
    errors << "smgate-runner check: " << error.text() << "\n";
    return kExitUnusable;
  };
  Result<contract::Policy> policy = options.policy_file.empty() ? Result<contract::Policy>(contract::Policy{})
                                                                : read_policy_file(options.policy_file);
  if (!policy) return refuse(policy.error());
  if (!options.gate_file.empty())
    if (const std::optional<Error> error = read_gate(options.gate_file, options, *policy)) return refuse(*error);
  if (!options.manifest_file.empty())
    if (const std::optional<Error> error = read_manifest(options.manifest_file, *policy)) return refuse(*error);
  const Result<contract::Facts> facts = read_facts(options);
  if (!facts) return refuse(facts.error());
  const contract::Report report = contract::judge(*facts, *policy);
  out << render(report, options.format, terminal);
  return exit_code(report.verdict);
}

namespace {

std::string about_adapters() {
  std::string text = "Adapters, and what each cannot know (the gate file's `patterns` add to any of them):\n";
  for (const contract::AdapterInfo& info : contract::adapters())
    text += fmt::format("  {:<11} {}\n{:14}cannot know: {}\n", info.name, info.reads, "", info.cannot_know);
  return text;
}

int check_named(Options options, const std::string& adapter) {
  if (!adapter.empty()) {
    Result<contract::AdapterSpec> spec = adapter_named(adapter);
    if (!spec) {
      std::cerr << "smgate-runner check: " << spec.error().text() << "\n";
      return kExitUnusable;
    }
    options.adapter = std::move(*spec);
  }
  return run_check(std::move(options), std::cout, std::cerr, isatty(STDOUT_FILENO) == 1);
}

}  // namespace

void add_format_options(CLI::App& command, Format& format) {
  const std::map<std::string, Format> names = {
      {"text", Format::text}, {"json", Format::json}, {"junit", Format::junit}, {"markdown", Format::markdown}};
  CLI::Option* named =
      command.add_option("--format", format, "text, json (schemas/report.schema.json), junit (XML) or markdown")
          ->transform(CLI::CheckedTransformer(names))
          ->option_text("FORMAT");
  command
      .add_flag_callback(
          "--json", [&format] { format = Format::json; }, "short for --format json")
      ->excludes(named);
}

void add_check_command(CLI::App& app, int& code) {
  const auto options = std::make_shared<Options>();
  const auto adapter = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("check", "Judge recorded events, or a text log, without a server");
  command->add_option("PATH", options->paths, "files of events, folders of *.jsonl, or, with --adapter, text logs")
      ->required();
  CLI::Option* by_name =
      command->add_option("--adapter", *adapter, "how to read text logs: a name from the list below");
  CLI::Option* policy =
      command->add_option("--policy", options->policy_file, "policy, exceptions and differences, as in a gate file");
  command
      ->add_option("--gate", options->gate_file, "a gate file: its policy, and its adapter with patterns and manifest")
      ->excludes(by_name)
      ->excludes(policy);
  command->add_option("--manifest", options->manifest_file, "what was declared for the run: steps, batch_size, ...");
  add_format_options(*command, options->format);
  command->footer(about_adapters());
  command->callback([options, adapter, &code] { code = check_named(*options, *adapter); });
}

}  // namespace smgate::check
