#include "runner/run/signal_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace smgate::run {

SignalWatch::SignalWatch(exec::Cancellation& cancellation) : cancellation_(cancellation) {
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGINT);
  sigaddset(&watched, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &watched, &before_);
  signals_ = exec::Fd(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  over_ = exec::Fd(eventfd(0, EFD_CLOEXEC));
  if (!signals_ || !over_) throw std::system_error(errno, std::generic_category(), "signalfd");
  thread_ = std::thread([this] { watch(); });
}

SignalWatch::~SignalWatch() {
  eventfd_write(over_.get(), 1);
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void SignalWatch::watch() {
  std::array<pollfd, 2> sources{{{signals_.get(), POLLIN, 0}, {over_.get(), POLLIN, 0}}};
  while (sources[1].revents == 0) {
    poll(sources.data(), sources.size(), -1);
    signalfd_siginfo signal{};
    if (read(signals_.get(), &signal, sizeof signal) == sizeof signal)
      cancellation_.request(exec::StopReason::cancelled, "interrupted by a signal");
  }
}

}  // namespace smgate::run
