// smgate-runner agent: the composition of ledger (what is held), worker (the job's thread, which is main's) and link
// (the network thread). Called by main, once.
//
// The data folder is locked while any process of a job may live: a restarted agent waits until its predecessor's
// children are gone.
#pragma once

#include "runner/agent/config.hpp"

namespace smgate::agent {

// Until SIGTERM or SIGINT; a running job is finished and reported first. Returns the exit code. Throws where the host
// fails it.
int run_agent(const AgentConfig& config);

}  // namespace smgate::agent
