#include "runner/device/doctor.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/find_program.hpp"
#include "runner/device/host.hpp"
#include "runner/workload/cache/compiler.hpp"
#include "runner/workload/device/gpu.hpp"

namespace smgate::device {
namespace {

constexpr int kOnlyEmulated = 3;
constexpr std::uint64_t kDiskWanted = 20ULL << 30U;  // a checkout, a build, a checkpoint of the incident's scale twice

Finding driver() {
  const auto host = workload::list_gpus();
  if (!host) {
    return {"gpu", false, true, host.error(),
            "runs here are emulated on the CPU: install NVIDIA's driver, and load it (nvidia-smi must list a device)"};
  }
  std::string text = "driver for CUDA " + host.value().driver;
  for (const workload::GpuFacts& gpu : host.value().gpus) {
    text += "; " + gpu.arch + " " + gpu.name + ", " + std::to_string(gpu.memory_bytes >> 20U) + " MiB" +
            (gpu.unified ? " unified" : "") + ", clocks " + gpu.clocks;
  }
  if (!host.value().gpus.empty()) return {"gpu", true, true, text, ""};
  return {"gpu", false, true, text + ", but it shows no device",
          "runs here are emulated on the CPU: unset CUDA_VISIBLE_DEVICES, or give the container a device"};
}

Finding compiler() {
  const auto found = workload::open_nvrtc();
  if (found) return {"nvrtc", true, true, found.value()->describe(), ""};
  return {"nvrtc", false, true, found.error(),
          "kernels cannot be compiled for a GPU: install the CUDA toolkit's NVRTC, or name its file in SMGATE_NVRTC"};
}

Finding cublaslt() {
  const auto found = workload::find_cublaslt();
  if (found) return {"cublaslt", true, true, found.value(), ""};
  return {
      "cublaslt", false, true, found.error(),
      "the reference workload cannot multiply matrices on a GPU: install cuBLAS, or name its file in SMGATE_CUBLASLT"};
}

Finding git() {
  const std::string path = find_program("git");
  if (!path.empty()) return {"git", true, true, path, ""};
  return {"git", false, true, "git is not in PATH", "commits cannot be checked out: install git"};
}

Finding disk(const std::string& folder) {
  const auto bytes = free_disk_bytes(folder);
  const std::string text =
      bytes ? std::to_string(*bytes >> 30U) + " GiB free in " + folder : "the disk of " + folder + " cannot be asked";
  if (bytes && *bytes >= kDiskWanted) return {"disk", true, false, text, ""};
  return {"disk", false, false, text,
          "large builds may fail in the middle: give jobs a folder with " + std::to_string(kDiskWanted >> 30U) +
              " GiB free (--folder)"};
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Absent files mean that the kernel does not restrict.
Finding sandbox() {
  const std::string bubblewrap = find_program("bwrap");
  const bool allowed = ::access("/proc/self/ns/user", F_OK) == 0 &&
                       first_line("/proc/sys/user/max_user_namespaces") != "0" &&
                       first_line("/proc/sys/kernel/unprivileged_userns_clone") != "0" &&
                       first_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") != "1";
  const bool free = allowed || ::geteuid() == 0;
  const std::string text = (bubblewrap.empty() ? "no bubblewrap" : bubblewrap) +
                           (free ? ", user namespaces allowed" : ", user namespaces restricted");
  if (!bubblewrap.empty() && free) return {"sandbox", true, false, text, ""};
  return {"sandbox", false, false, text,
          "an agent cannot close its stages off from this host: install bubblewrap and allow user namespaces, or, "
          "where all "
          "commits are trusted, set /sandbox/enabled to false in its configuration"};
}

}  // namespace

bool Diagnosis::real() const {
  bool real = true;
  for (const Finding& finding : findings) real = real && (finding.good || !finding.needed);
  return real;
}

Diagnosis examine(const std::string& folder) {
  return {{driver(), compiler(), cublaslt(), git(), disk(folder), sandbox()}};
}

std::string as_text(const Diagnosis& diagnosis) {
  std::string text;
  for (const Finding& finding : diagnosis.findings) {
    text += (finding.good     ? "ok    "
             : finding.needed ? "lacks "
                              : "warn  ") +
            finding.name + ": " + finding.text + "\n";
    if (!finding.remedy.empty()) text += "      " + finding.remedy + "\n";
  }
  return text +
         (diagnosis.real() ? "This host can run gates on its GPU.\n" : "This host can run emulated gates only.\n");
}

std::string as_json(const Diagnosis& diagnosis) {
  nlohmann::ordered_json findings = nlohmann::ordered_json::array();
  for (const Finding& finding : diagnosis.findings) {
    findings.push_back({{"name", finding.name},
                        {"good", finding.good},
                        {"needed", finding.needed},
                        {"text", finding.text},
                        {"remedy", finding.remedy}});
  }
  const nlohmann::ordered_json report = {{"real", diagnosis.real()}, {"findings", std::move(findings)}};
  return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void add_doctor_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("doctor", "Print what this host can do and lacks; exit 3: only emulated runs");
  auto json = std::make_shared<bool>(false);
  auto folder = std::make_shared<std::string>(".");
  command->add_flag("--json", *json, "Print one JSON object");
  command->add_option("--folder", *folder, "Where jobs are to work")->capture_default_str();
  command->callback([json, folder, &exit_code] {
    const Diagnosis diagnosis = examine(*folder);
    std::fputs((*json ? as_json(diagnosis) : as_text(diagnosis)).c_str(), stdout);
    exit_code = diagnosis.real() ? 0 : kOnlyEmulated;
  });
}

}  // namespace smgate::device
