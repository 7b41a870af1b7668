#include "runner/agent/agent.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "common/crash_point.hpp"
#include "common/log.hpp"
#include "common/sd_notify.hpp"
#include "runner/agent/ledger.hpp"
#include "runner/agent/link.hpp"
#include "runner/agent/worker.hpp"
#include "runner/device/host.hpp"
#include "runner/exec/child.hpp"
#include "runner/exec/remove_tree.hpp"

namespace smgate::agent {
namespace fs = std::filesystem;
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::seconds kAckPatience{30};  // at stop, for what is finished; the spool keeps the rest

// Also waits for the processes of a predecessor that was killed: its supervisors hold the lock until they have ended.
exec::Fd lock_data_folder(const fs::path& folder) {
  const fs::path file = folder / "agent.lock";
  exec::Fd lock(open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (!lock) throw std::system_error(errno, std::generic_category(), "cannot open " + file.string());
  if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  spdlog::warn("another agent, or children of the last one, use the data folder; waiting folder={}", folder.string());
  while (flock(lock.get(), LOCK_EX) != 0)
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "cannot lock " + file.string());
  return lock;
}

void prepare_data_folder(const fs::path& folder) {
  for (const char* part : {"", "spool", "mirrors"}) fs::create_directories(folder / part);
  fs::permissions(folder, fs::perms::owner_all);
}

protocol::Hello introduce(const AgentConfig& config) {
  protocol::Hello hello;
  hello.runner = config.name;
  hello.arch = config.arch;
  hello.host = device::host_name();
  hello.version = SMGATE_VERSION;
  hello.device = config.device;
  return hello;
}

WorkerSettings worker_settings(const AgentConfig& config, int lock_fd, exec::Sandbox sandbox) {
  return {config.data_folder / "jobs",
          config.data_folder / "mirrors",
          config.device,
          config.env,
          config.git,
          config.limits,
          lock_fd,
          std::move(sandbox)};
}

LinkSettings link_settings(const AgentConfig& config) {
  return {config.address,
          config.ca_file,
          config.token,
          "smgate-runner/" SMGATE_VERSION,
          std::chrono::milliseconds(config.reconnect_max_ms),
          true};
}

class Agent final : public LinkPeer {
 public:
  Agent(const AgentConfig& config, int lock_fd, exec::Sandbox sandbox)
      : config_(config),
        link_(link_settings(config), *this),
        worker_(worker_settings(config, lock_fd, std::move(sandbox)), [this] { link_.wake(); }),
        ledger_(introduce(config), config.data_folder / "spool", worker_) {}

  void run() {
    std::thread network([this] { run_network(); });
    try {
      worker_.run();
    } catch (...) {
      worker_failure_ = std::current_exception();
    }
    link_.stop();
    network.join();
    for (const std::exception_ptr& failure : {worker_failure_, network_failure_})
      if (failure) std::rethrow_exception(failure);
  }

  std::string hello() override {
    std::string text = protocol::to_text(protocol::FromRunner{ledger_.hello()});
    crash_point("runner.hello_sent");
    return text;
  }
  std::string heartbeat() override { return protocol::to_text(protocol::FromRunner{ledger_.heartbeat()}); }
  std::optional<std::string> next_item() override { return ledger_.next_item(); }
  void item_sent() override { crash_point("runner.item_sent"); }

  void receive(const protocol::FromCoordinator& message) override {
    ledger_.receive(message);
    leave_when_done();
  }

  void tick() override {
    sd_notify("WATCHDOG=1");
    watch_disk();
    if (!ledger_.draining()) return;
    if (Steady::now() >= stop_jobs_at_) ledger_.stop_jobs("the runner " + config_.name.value + " was stopped");
    leave_when_done();
  }

  void signalled() override {
    if (ledger_.draining()) {
      spdlog::warn("asked to stop again: running jobs are ended");
      ledger_.stop_jobs("the runner " + config_.name.value + " was stopped");
      return;
    }
    spdlog::info("draining: no new job is taken, running ones are finished drain_timeout_s={}",
                 config_.drain_timeout_ms / 1000);
    sd_notify("STOPPING=1");
    ledger_.drain();
    stop_jobs_at_ = Steady::now() + std::chrono::milliseconds(config_.drain_timeout_ms);
    leave_when_done();
  }

 private:
  void run_network() {
    try {
      link_.run();
    } catch (...) {
      network_failure_ = std::current_exception();
    }
    worker_.close();
  }

  void leave_when_done() {
    if (!ledger_.draining() || !ledger_.all_finished()) return;
    if (leave_at_ == Steady::time_point::max()) leave_at_ = Steady::now() + kAckPatience;
    if (!ledger_.empty() && Steady::now() < leave_at_) return;
    if (!ledger_.empty()) spdlog::warn("the coordinator does not answer; the rest is told at the next start");
    worker_.close();
  }

  // A job on a full disk fails for reasons that are not its own.
  void watch_disk() {
    const auto free = device::free_disk_bytes(config_.data_folder);
    const bool low = free && *free < config_.free_disk_bytes_min;
    if (low != disk_low_)
      spdlog::warn("{} free_bytes={} folder={}",
                   low ? "the disk is nearly full: no new job is taken" : "disk is free again", free.value_or(0),
                   config_.data_folder.string());
    disk_low_ = low;
    ledger_.hold_back(low);
  }

  const AgentConfig& config_;
  Link link_;
  Worker worker_;
  Ledger ledger_;
  Steady::time_point stop_jobs_at_ = Steady::time_point::max();
  Steady::time_point leave_at_ = Steady::time_point::max();
  bool disk_low_ = false;
  std::exception_ptr worker_failure_;
  std::exception_ptr network_failure_;
};

}  // namespace

int run_agent(const AgentConfig& config) {
  spdlog::info("starting version={} config={}", SMGATE_VERSION, describe(config));
  prepare_data_folder(config.data_folder);
  const exec::Fd lock = lock_data_folder(config.data_folder);
  if (!exec::remove_tree(config.data_folder / "jobs")) spdlog::error("folders of old jobs cannot be removed");
  exec::become_subreaper();
  std::signal(SIGPIPE, SIG_IGN);  // a log that nobody reads any more; stages get the default back
  Result<exec::Sandbox> sandbox = exec::Sandbox{};
  if (config.sandbox) sandbox = exec::open_sandbox(config.hidden);
  if (!sandbox) throw std::runtime_error(sandbox.error().text());
  Agent agent(config, lock.get(), *std::move(sandbox));
  sd_notify("READY=1");
  agent.run();
  spdlog::info("stopped");
  return 0;
}

}  // namespace smgate::agent
