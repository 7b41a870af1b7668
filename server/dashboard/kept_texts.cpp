#include "server/dashboard/kept_texts.hpp"

#include <utility>

namespace smgate::dashboard {

std::shared_ptr<const KeptText> KeptTexts::find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->text;
}

void KeptTexts::keep(const std::string& name, std::shared_ptr<const KeptText> text) {
  const std::lock_guard lock(mutex_);
  if (by_name_.contains(name)) return;  // two asked at once
  bytes_ += text->text.size();
  entries_.push_front({name, std::move(text)});
  by_name_.emplace(entries_.front().name, entries_.begin());
  while (bytes_ > bytes_max_) {
    bytes_ -= entries_.back().text->text.size();
    by_name_.erase(entries_.back().name);
    entries_.pop_back();
  }
}

}  // namespace smgate::dashboard
