// The log of a job's stages, read by an adapter (common/contract/adapters): for workloads that write no events. What it
// makes travels as an events file of its own. The job's thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/contract/adapters/adapter.hpp"
#include "runner/exec/item_sink.hpp"

namespace smgate::exec {

class AdaptedLog {
 public:
  // An adapter that is not known reads nothing and says so as an error event: silence is never a pass.
  AdaptedLog(const std::string& adapter, ItemSink& sink);
  AdaptedLog(const AdaptedLog&) = delete;
  AdaptedLog& operator=(const AdaptedLog&) = delete;

  void take(std::string_view bytes);
  void flush();
  void finish();  // the last stage has ended

 private:
  void add(const contract::Event& event);

  ItemSink& sink_;
  std::string lines_;
  std::unique_ptr<contract::Adapter> adapter_;  // may be null
};

}  // namespace smgate::exec
