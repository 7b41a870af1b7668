#include "common/contract/next_step.hpp"

#include <array>

namespace smgate::contract {
namespace {

struct Step {
  std::string_view cause, words;
};

// In the order in which the analysis names them.
constexpr std::array kSteps = {
    Step{
        "weights_container_mismatch",
        "give the reader a file of its own format, or convert the file; its first bytes, not its name, say what it is"},
    Step{"workspace_over_budget",
         "size the workspace by the sequence length of this run, not by the model's largest; or raise workspace_share"},
    Step{"cache_silent",
         "report every lookup, compile and load where the cache does them; until then no verdict on kernels is "
         "possible"},
    Step{"prewarm_key_collision",
         "make the offers cited here use the key that they are given; `smgate-runner lint` finds the macro or function "
         "that ignores it"},
    Step{"warmup_grid_gap", "warm every bucket that run time rounds to, the top one too: derive both from one list"},
    Step{"prewarm_key_drift",
         "build the pre-warm key and the run-time key by one function, from the configuration that the run uses"},
    Step{"key_unstable", "build the key from shapes and constants alone: no pointer, path, time or random number"},
    Step{"prewarm_skipped",
         "find what makes this pre-warm return early, as a test of a setting that the kernels do not depend on"},
    Step{"prewarm_missing", "offer these kernels in the pre-warm; where a kernel has several stages, each of them"},
    Step{"prewarm_body_mismatch",
         "build the body in the pre-warm from the values that its key names: key and body disagree there"},
    Step{"prewarm_after_payload", "compile for all models before the weights of any go to the device"},
    Step{"kernel_evicted", "keep what was pre-warmed loaded until the run ends, or make the cache large enough"},
    Step{"late_load", "load the module in the pre-warm, not at its first use (CUDA_MODULE_LOADING=EAGER loads all)"},
    Step{"target_mismatch",
         "compile for the device's own architecture; where PTX at run time is the design, declare "
         "run_time_ptx_declared"},
    Step{"prewarm_waste",
         "drop these from the pre-warm, or declare an exception of KC-6 with the reason why they are warmed"},
    Step{"degenerate_batch", "give the smoke a batch of different inputs, each with one label; this one tests nothing"},
    Step{"contract_unsatisfiable", "choose a batch whose labels follow from its inputs: this one allows no lower loss"},
    Step{"loss_not_finite", "look at the first step that is not finite and at the kernels that it ran"},
    Step{"nothing_trained", "check that gradients reach the optimizer, and that it updates the tensors that are saved"},
    Step{"loss_not_falling",
         "compare with the last green run: learning rate, batch, and what changed in the kernels of the step"},
    Step{"configuration_mismatch", "correct the declaration or the run: one of the two does not say what is meant"},
    Step{"stream_poisoned", "distrust the kernel at which the error showed: what poisoned the stream ran before it"},
    Step{"contract_without_teeth",
         "make the workload honour SMGATE_CONTROL, or tighten the policy value that let the control pass"},
    Step{"architectures_disagree",
         "look for code that depends on the architecture; a difference that is meant is declared with its reason"},
    Step{"slower", "profile the step against the base's; a loss that is worth it is declared in speed_loss_share"},
};

}  // namespace

std::string_view next_step(std::string_view cause) {
  for (const Step& step : kSteps)
    if (step.cause == cause) return step.words;
  return "";
}

}  // namespace smgate::contract
