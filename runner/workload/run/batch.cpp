#include "runner/workload/run/batch.hpp"

#include <algorithm>

#include "runner/workload/base/random.hpp"
#include "runner/workload/base/sha256.hpp"

namespace smgate::workload {

namespace {

constexpr std::uint64_t kBatchStream = 0xba7c4;  // apart from the weights' numbers of the same seed
constexpr std::size_t kPrefixDigits = 16;        // 64 bits tell the prefixes of one batch apart

void hash_token(Sha256& hash, std::int32_t token) {
  const std::string text = std::to_string(token) + ",";
  hash.update(text);
}

// The second row becomes the first one's twin, with its labels in an order in which none keeps its place (Sattolo,
// 1986).
void shuffle_twin(Batch& batch, Random& random) {
  const auto row = static_cast<std::ptrdiff_t>(batch.seq);
  std::copy_n(batch.inputs.begin(), row, batch.inputs.begin() + row);
  const auto labels = std::copy_n(batch.labels.begin(), row, batch.labels.begin() + row) - row;
  for (std::uint32_t last = batch.seq - 1; last > 0; --last) {
    std::swap(labels[static_cast<std::ptrdiff_t>(random.below(last))], labels[static_cast<std::ptrdiff_t>(last)]);
  }
}

}  // namespace

Batch make_batch(const RunConfig& config) {
  Random random(config.seed ^ kBatchStream);
  Batch batch{config.batch, config.seq, {}, {}};
  const std::uint32_t vocab = config.student.vocab;
  const std::uint32_t start = random.below(vocab);
  for (std::uint32_t row = 0; row < config.batch; ++row) {
    // Rows start on tokens of their own: no prefix stands twice, so every label can be learned.
    auto token = static_cast<std::int32_t>((start + row) % vocab);
    for (std::uint32_t position = 0; position < config.seq; ++position) {
      const auto next = static_cast<std::int32_t>(random.below(vocab));
      batch.inputs.push_back(token);
      batch.labels.push_back(next);
      token = next;
    }
  }
  if (config.control == Control::kShuffledLabels) shuffle_twin(batch, random);
  // The incident's smoke fed one token again and again, whatever the label.
  if (config.fault == Fault::kDegenerateBatch) batch.inputs.assign(batch.inputs.size(), batch.inputs.front());
  return batch;
}

events::Event batch_event(const Batch& batch) {
  std::string inputs;
  std::string labels;
  Sha256 whole;
  for (std::size_t row = 0; row < batch.sequences; ++row) {
    Sha256 prefix;
    for (std::size_t i = row * batch.seq; i < (row + 1) * batch.seq; ++i) {
      hash_token(prefix, batch.inputs[i]);
      hash_token(whole, batch.inputs[i]);
      hash_token(whole, batch.labels[i]);
      const char* separator = inputs.empty() ? "" : ",";
      inputs += separator + events::json_text(Sha256(prefix).hex().substr(0, kPrefixDigits));
      labels += separator + std::to_string(batch.labels[i]);
    }
  }
  events::Event event("batch");
  event.flag("frozen", true).text("digest", whole.hex());
  return event.raw("inputs", "[" + inputs + "]").raw("labels", "[" + labels + "]");
}

}  // namespace smgate::workload
