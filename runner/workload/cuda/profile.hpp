// Times of a step's operations, by device events around each. Owned by whoever profiles; one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runner/workload/cuda/ops.hpp"
#include "runner/workload/cuda/resources.hpp"

namespace smgate::workload::cuda {

class Profile : public OpTimes {
 public:
  explicit Profile(const Driver& driver) : driver_(driver) {}

  void before(CUstream stream) override;
  void after(CUstream stream, const std::string& name) override;
  // Waits for the step; then a line an operation, the longest first: milliseconds of the step, launches, name.
  std::string table() const;

 private:
  struct Span {
    std::string name;
    std::unique_ptr<Event> start, end;
  };

  const Driver& driver_;
  std::vector<Span> spans_;
};

}  // namespace smgate::workload::cuda
