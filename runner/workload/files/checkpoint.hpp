// A checkpoint as Hugging Face's programs leave it: a folder with config.json beside one SafeTensors file, or several
// and their index. Mapped, not read; nothing in it is trusted. Owned by the run; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runner/workload/files/mapped_file.hpp"
#include "runner/workload/files/safetensors.hpp"
#include "runner/workload/model/weight_source.hpp"

namespace smgate::workload {

// The shapes that a config.json declares. Failure: an architecture that is not Qwen2's, by name, or what is wrong.
Outcome<ModelShape> shape_of_config(std::string_view json, const std::string& name);

class Checkpoint {
 public:
  // Failure: what is wrong, with the file. Weights in APR or GGUF are refused by name.
  static Outcome<Checkpoint> open(const std::string& folder, const std::string& name);

  const ModelShape& shape() const { return shape_; }
  const std::string& first_file() const { return paths_.front(); }

 private:
  friend class CheckpointWeights;
  struct Place {
    StoredTensor tensor;
    std::string_view data;
  };

  Checkpoint() = default;
  std::string add_file(const std::string& path);

  ModelShape shape_;
  std::vector<std::string> paths_;
  std::vector<MappedFile> files_;
  std::map<std::string, Place> tensors_;
};

// A checkpoint's tensors in a layout's order. Adapters that it does not have are seeded. The checkpoint must outlive
// it.
class CheckpointWeights : public WeightSource {
 public:
  // Failure: a tensor that lacks, has another shape or a dtype that is none of F32, F16, BF16; a head of its own.
  static Outcome<CheckpointWeights> bind(const Checkpoint& checkpoint, const SeededWeights& adapters);

  const std::vector<TensorInfo>& layout() const override { return adapters_.layout(); }
  void for_each_tensor(const Visit& visit) const override;
  void read(std::size_t index, std::size_t first, std::span<float> values) const override;

 private:
  struct Bound {
    Dtype dtype;
    std::span<const std::byte> values;  // empty: seeded
  };

  explicit CheckpointWeights(const SeededWeights& adapters) : adapters_(adapters) {}

  SeededWeights adapters_;
  std::vector<Bound> bound_;
};

}  // namespace smgate::workload
