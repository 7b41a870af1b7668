// Turns SIGINT and SIGTERM into a cancellation while it lives. Made by the main thread before it starts children.
#pragma once

#include <csignal>
#include <thread>

#include "runner/exec/cancellation.hpp"
#include "runner/exec/fd.hpp"

namespace smgate::run {

class SignalWatch {
 public:
  explicit SignalWatch(exec::Cancellation& cancellation);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  void watch();

  exec::Cancellation& cancellation_;
  sigset_t before_{};
  exec::Fd signals_;
  exec::Fd over_;
  std::thread thread_;
};

}  // namespace smgate::run
