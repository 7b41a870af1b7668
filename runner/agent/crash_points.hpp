// The places where a test stops the agent as kill -9 would: one between every two steps that the coordinator
// acknowledges or that leave something on disk. In the order in which a job passes them.
#pragma once

#include <array>
#include <string_view>

namespace smgate::agent {

inline constexpr std::array<std::string_view, 18> kCrashPoints{
    "runner.hello_sent",
    "runner.assign_received",   // nothing of the job is on disk
    "runner.assign_spooled",    // the job is ours, nothing was started
    "runner.job_begun",         // its folder is made
    "runner.checkout_done",     //
    "runner.stage_begun",       // StageBegin is spooled, the child is not started
    "runner.item_spooled",      // items are on disk
    "runner.item_sent",         // ... and written to the socket
    "runner.ack_received",      // ... and acknowledged, but not trimmed
    "runner.ack_trimmed",       //
    "runner.stage_ended",       // StageEnd is spooled
    "runner.stages_done",       // Finished is not spooled
    "runner.job_removed",       // the folder is gone, Finished is not spooled
    "runner.finished_spooled",  //
    "runner.finished_acked",    // the spool is still there
    "runner.spool_removed",     //
    "runner.lost_spooled",      // after a restart: the job that the last process left was given up
    "runner.resumed",           // after a restart or a lost connection
};

}  // namespace smgate::agent
