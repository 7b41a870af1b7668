#include "common/contract/adapters/adapter.hpp"

#include "common/contract/adapters/aprender.hpp"
#include "common/contract/text.hpp"

namespace smgate::contract {

Adapter::Adapter(std::string log_name, EventSink sink) : log_name_(std::move(log_name)), sink_(std::move(sink)) {}

void Adapter::feed(std::string_view chunk) {
  while (!chunk.empty()) {
    // A carriage return redraws a progress bar: what follows is a line of its own.
    const std::size_t end = chunk.find_first_of("\n\r");
    const std::string_view part = chunk.substr(0, end);
    const std::size_t room = kLogLineBytesMax - std::min(line_.size(), kLogLineBytesMax);
    line_ += part.substr(0, room);
    if (end == std::string_view::npos) return;
    const bool newline = chunk[end] == '\n';
    end_line();
    if (newline) ++line_number_;
    chunk.remove_prefix(end + 1);
  }
}

void Adapter::finish() {
  end_line();
  on_end();
}

void Adapter::end_line() {
  if (line_.empty()) return;
  const std::string clean = valid_utf8(without_ansi(line_));
  line_.clear();
  on_line(clean);
}

void Adapter::emit(EventBody body) {
  Event event;
  event.seq = seq_++;
  event.t_ns = line_number_;  // a log without times: its order is all there is
  event.source = Source::adapter;
  event.body = std::move(body);
  const auto cite = [this](auto& any) {
    if (any.at.empty()) any.at = at();
  };
  std::visit(cite, event.body);
  sink_(event);
}

std::string Adapter::at(std::uint64_t line) const { return log_name_ + ":" + std::to_string(line); }

std::vector<std::string> adapter_names() { return {"aprender"}; }

std::unique_ptr<Adapter> make_adapter(std::string_view name, const std::string& log_name, EventSink sink) {
  if (name == "aprender") return std::make_unique<Aprender>(log_name, std::move(sink));
  return nullptr;
}

std::string_view between(std::string_view line, std::string_view before, std::string_view after) {
  const std::size_t start = line.find(before);
  if (start == std::string_view::npos) return {};
  line.remove_prefix(start + before.size());
  const std::size_t end = line.find(after);
  return end == std::string_view::npos ? std::string_view{} : line.substr(0, end);
}

// ECMA-48: CSI is ESC [ parameters final; OSC is ESC ] text BEL or ESC \ ; the rest are two characters.
std::string without_ansi(std::string_view line) {
  std::string clean;
  clean.reserve(line.size());
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\x1B') {
      clean += line[i];
      continue;
    }
    const char kind = i + 1 < line.size() ? line[i + 1] : '\0';
    ++i;
    if (kind == '[')
      while (++i < line.size() && (line[i] < '@' || line[i] > '~')) continue;
    else if (kind == ']')
      while (++i < line.size() && line[i] != '\a' && line[i] != '\\') continue;
  }
  return clean;
}

}  // namespace smgate::contract
