// Tells systemd how a service of Type=notify is doing: one datagram to the socket that NOTIFY_SOCKET names
// (sd_notify(3), "Notes": the protocol is stable). Does nothing outside of systemd. Called by main, on its thread.
#pragma once

#include <string_view>

namespace smgate {

// "READY=1", "STOPPING=1", "STATUS=..."; several, one a line. False where there is no such socket or it refused.
bool sd_notify(std::string_view state);

}  // namespace smgate
