// Stops a running job from another thread: the job's thread polls fd() beside its pipes, so a cancel takes effect at
// once. Shared by the network thread (requests) and the job's thread (obeys); the first request wins.
#pragma once

#include <mutex>
#include <string>

#include "runner/exec/fd.hpp"

namespace smgate::exec {

enum class StopReason {
  none,
  cancelled,  // the coordinator's wish: report it
  refused,    // the job is no longer ours: report nothing
  stopping,   // this runner stops: the job may run elsewhere
};

class Cancellation {
 public:
  Cancellation();  // throws std::system_error where the process is out of descriptors

  void request(StopReason reason, const std::string& text);
  StopReason reason() const;
  std::string text() const;
  bool requested() const { return reason() != StopReason::none; }
  int fd() const { return event_.get(); }  // readable from the request on, for ever

 private:
  Fd event_;
  mutable std::mutex mutex_;
  StopReason reason_ = StopReason::none;
  std::string text_;
};

}  // namespace smgate::exec
