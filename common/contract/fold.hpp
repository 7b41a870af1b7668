// facts = fold(facts, event): no clock, no I/O, the same answer on every machine. Events of one process must come in
// their order; the order between processes changes nothing. Called by the coordinator as events arrive and by
// `smgate-runner check`. Any thread, one at a time for each Facts.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "common/contract/event.hpp"
#include "common/contract/facts.hpp"
#include "common/result.hpp"

namespace smgate::contract {

void fold(Facts& facts, const Event& event);

// A line that parse_event refused: a run with one cannot pass, for it may have said anything.
void fold_unreadable(Facts& facts, const Error& error);

// One file of events: the next, or none.
using EventSource = std::function<std::optional<Event>()>;

// One stream out of several files, by (t_ns, file, seq); the order inside a file is kept. Holds an event a file.
void merge(std::vector<EventSource> files, const std::function<void(const Event&)>& sink);

}  // namespace smgate::contract
