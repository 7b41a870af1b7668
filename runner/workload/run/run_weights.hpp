// A run's weights from their origin to the trained checkpoint: seeded, through files at the scales of a test, or real
// checkpoints (--weights). Reports every load and the checkpoint. Owned by the run; one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runner/workload/files/checkpoint.hpp"
#include "runner/workload/run/options.hpp"
#include "runner/workload/run/trainer.hpp"

namespace smgate::workload {

class RunWeights {
 public:
  // Opens the checkpoints, if any: their shapes are then the run's, in `options`. What fails is told by prepare.
  explicit RunWeights(Options& options);

  // Makes the folder and, for seeded weights of a size to keep, the files that are loaded like any others. Throws
  // RunFailure where that fails or a checkpoint could not be opened.
  void prepare(events::Writer& writer);

  // Throw RunFailure, after a `weights` event that tells why.
  std::unique_ptr<WeightSource> load_teacher(events::Writer& writer, const std::vector<TensorInfo>& layout) const;
  void load_student(events::Writer& writer, const std::vector<TensorInfo>& layout);
  const WeightSource& student() const { return *student_; }

  // The trained student as a file: its place is made ready while the device trains. Then it is written, held against
  // what was loaded.
  std::unique_ptr<SafeTensorsWriter> begin_checkpoint(const Trainer& trainer) const;
  void write_checkpoint(events::Writer& writer, const Trainer& trainer, SafeTensorsWriter& file) const;

 private:
  struct Side {
    std::string scope;
    std::string path;  // the file or folder; empty: seeded without a file
    std::uint64_t seed;
    float deviation;
    std::optional<Checkpoint> checkpoint;
  };

  void open_checkpoints(Options& options);
  void write_seeded(const Side& side, const ModelShape& shape, std::uint32_t lora_rank) const;
  std::unique_ptr<WeightSource> load(events::Writer& writer, const Side& side, const std::vector<TensorInfo>& layout,
                                     std::string& digest) const;

  std::string folder_;
  RunConfig config_;
  Side teacher_side_;
  Side student_side_;
  std::string failure_;  // of the side whose scope is failed_scope_
  std::string failed_scope_;
  std::unique_ptr<WeightSource> student_;
  std::string student_digest_;
};

}  // namespace smgate::workload
