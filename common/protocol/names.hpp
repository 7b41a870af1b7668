// The words that enums have on the wire, and what a name may look like there. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "common/protocol/messages.hpp"

namespace smgate::protocol {

template <class Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

inline constexpr Names<StageOutcome, 5> kStageOutcomes{{{StageOutcome::succeeded, "succeeded"},
                                                        {StageOutcome::failed, "failed"},
                                                        {StageOutcome::timed_out, "timed_out"},
                                                        {StageOutcome::cancelled, "cancelled"},
                                                        {StageOutcome::not_started, "not_started"}}};

inline constexpr Names<JobOutcome, 7> kJobOutcomes{{{JobOutcome::completed, "completed"},
                                                    {JobOutcome::stage_failed, "stage_failed"},
                                                    {JobOutcome::timed_out, "timed_out"},
                                                    {JobOutcome::cancelled, "cancelled"},
                                                    {JobOutcome::checkout_failed, "checkout_failed"},
                                                    {JobOutcome::lost, "lost"},
                                                    {JobOutcome::runner_error, "runner_error"}}};

inline constexpr Names<Feeds, 4> kFeeds{{{Feeds::none, "none"},
                                         {Feeds::kernel_cache, "kernel_cache"},
                                         {Feeds::distillation, "distillation"},
                                         {Feeds::both, "both"}}};

inline constexpr std::size_t kStageNameMax = 64;       // as in the gate file
inline constexpr std::size_t kEventFileNameMax = 128;  // a column of the store, and a file name everywhere

// [A-Za-z0-9._-], not starting with a dot or a dash: safe as a file name and as an argument.
bool is_plain_name(std::string_view text, std::size_t length_max);

}  // namespace smgate::protocol
