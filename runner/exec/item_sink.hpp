// Where a running job puts what it has to tell. Called on the job's thread alone.
#pragma once

#include "common/protocol/messages.hpp"

namespace smgate::exec {

class ItemSink {
 public:
  virtual ~ItemSink() = default;
  virtual void put(protocol::ItemBody body) = 0;
  virtual void flush() = 0;  // what was put may now be made durable and shown
};

}  // namespace smgate::exec
