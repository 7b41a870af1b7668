// The log of a job's stages, read by an adapter (common/contract/adapters): for workloads that write no events. What it
// makes travels as an events file of its own. The job's thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/contract/adapters/adapter.hpp"
#include "runner/exec/item_sink.hpp"

namespace smgate::exec {

class AdaptedLog {
 public:
  // `spec` is the gate file's object. One that this runner cannot use (it is older than the coordinator) reads nothing
  // and says so: silence is never a pass.
  AdaptedLog(const std::string& spec, ItemSink& sink);
  AdaptedLog(const AdaptedLog&) = delete;
  AdaptedLog& operator=(const AdaptedLog&) = delete;

  // A stage that feeds a contract begins. At the first one the manifest is read: what is written after the run has
  // begun declares nothing.
  void begin(const std::filesystem::path& work_tree);
  void take(std::string_view bytes);
  void flush();
  void finish();  // the last stage has ended

 private:
  void add(const contract::Event& event);
  void refuse(const std::string& what);

  ItemSink& sink_;
  std::string lines_;
  std::string manifest_;                        // not read yet; empty: none
  std::unique_ptr<contract::Adapter> adapter_;  // null: it reads nothing
};

}  // namespace smgate::exec
