// The parts of fold, by subject. Internal to fold*.cpp.
#pragma once

#include "common/contract/event.hpp"
#include "common/contract/facts.hpp"

namespace smgate::contract {

// What an event is folded into.
struct Fold {
  Facts& facts;
  Process& process;
  const Event& event;

  EventRef ref(const std::string& at = "") const { return {event.pid, event.rank, event.source, event.seq, at}; }
};

// kernel cache
void fold_part(Fold& fold, const PrewarmBegin& mark);
void fold_part(Fold& fold, const PrewarmEnd& mark);
void fold_part(Fold& fold, const Offer& offer);
void fold_part(Fold& fold, const Lookup& lookup);
void fold_part(Fold& fold, const Compile& compile);
void fold_part(Fold& fold, const Load& load);
void fold_part(Fold& fold, const Unload& unload);
// memory
void fold_part(Fold& fold, const Alloc& alloc);
void fold_part(Fold& fold, const Memory& memory);
void fold_part(Fold& fold, const PayloadBegin& payload);
void fold_part(Fold& fold, const PayloadEnd& payload);
// training
void fold_part(Fold& fold, const Batch& batch);
void fold_part(Fold& fold, const Step& step);
void fold_part(Fold& fold, const Weights& weights);
void fold_part(Fold& fold, const Checkpoint& checkpoint);
// the run
void fold_part(Fold& fold, const RunStart& start);
void fold_part(Fold& fold, const RunEnd& end);
void fold_part(Fold& fold, const ErrorText& error);
void fold_part(Fold& fold, const Note& note);

// The scope of that name, made where there is room; null where there is none.
Scope* scope_named(Fold& fold, const std::string& name);

template <class T>
void keep_sample(std::vector<T>& samples, T sample) {
  if (samples.size() < kSamplesMax) samples.push_back(std::move(sample));
}

}  // namespace smgate::contract
