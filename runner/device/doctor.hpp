// smgate-runner doctor: what this host can do and lacks, what each lack means and what to do about it. One thread.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace smgate::device {

struct Finding {
  std::string name;  // stable, for programs
  bool good;
  bool needed;         // without it no gate runs on a GPU here
  std::string text;    // what was seen
  std::string remedy;  // what the lack means and what to do; empty where all is well
};

struct Diagnosis {
  std::vector<Finding> findings;
  bool real() const;  // gates can run on a real GPU
};

// Looks at the host. `folder`: where jobs are to work.
Diagnosis examine(const std::string& folder);

std::string as_text(const Diagnosis& diagnosis);
std::string as_json(const Diagnosis& diagnosis);

// Exit codes: 0 a real GPU can be gated on, 3 only emulated runs are possible.
void add_doctor_command(CLI::App& app, int& exit_code);

}  // namespace smgate::device
