#include "runner/exec/cancellation.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <system_error>

namespace smgate::exec {

Cancellation::Cancellation() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void Cancellation::request(StopReason reason, const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (reason_ != StopReason::none) return;
  reason_ = reason;
  text_ = text;
  eventfd_write(event_.get(), 1);  // cannot fail: the counter goes from 0 to 1 once
}

StopReason Cancellation::reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

std::string Cancellation::text() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

}  // namespace smgate::exec
