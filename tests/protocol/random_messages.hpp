// Messages of every kind with random contents, from a seed: what the schema must accept and the codec must carry.
#pragma once

#include <array>

#include "common/contract/policy.hpp"
#include "common/protocol/messages.hpp"
#include "common/random.hpp"

namespace smgate::test {

class RandomMessages {
 public:
  explicit RandomMessages(std::uint64_t seed) : random_(seed) {}

  protocol::FromRunner from_runner(std::uint64_t kind) {
    if (kind % 7 == 0) return hello();
    if (kind % 7 == 1) return protocol::Heartbeat{flag(), held()};
    return item(kind % 7 - 2);
  }
  protocol::FromCoordinator from_coordinator(std::uint64_t kind) {
    switch (kind % 6) {
      case 0:
        return protocol::Welcome{number(1, 86'400'000), number(1, 86'400'000)};
      case 1:
        return assign();
      case 2:
        return protocol::Ack{{ulid()}, {ulid()}, count()};
      case 3:
        return protocol::Resume{{ulid()}, {ulid()}, count()};
      case 4:
        return protocol::Cancel{{ulid()}, {ulid()}, text()};
      default:
        return protocol::Refuse{{ulid()}, {ulid()}, text()};
    }
  }

 private:
  std::int64_t number(std::int64_t min, std::int64_t max) {
    return min + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(max - min) + 1));
  }
  std::uint64_t count() { return flag() ? random_.below(10) : random_.below(INT64_MAX); }
  bool flag() { return random_.below(2) == 1; }
  std::string ulid() { return make_ulid(number(0, 4'000'000'000'000), random_); }
  // Everything that JSON must escape, and letters of one to four bytes.
  std::string text() {
    static const std::array<std::string, 12> kPieces{"a", "\"", "\\", "\n", "\x01", "/", "é", "→", "𝄞", "{", " ", "0"};
    std::string result;
    for (std::uint64_t left = random_.below(40); left > 0; --left) result += kPieces[random_.below(kPieces.size())];
    return result;
  }
  std::string name() {
    std::string result = "n";
    for (std::uint64_t left = random_.below(63); left > 0; --left) result += "aZ09._-"[random_.below(7)];
    return result;
  }
  std::string bytes() {
    std::string result;
    for (std::uint64_t left = random_.below(200); left > 0; --left) result += static_cast<char>(random_.below(256));
    return result;
  }
  std::string part() {
    const std::uint64_t any = random_.below(contract::kControlNames.size() + 2);
    if (any < contract::kControlNames.size()) return "control:" + std::string(contract::kControlNames[any]);
    return flag() ? "main" : "again";
  }
  Arch arch() { return {flag() ? "sm_89" : "sm_121a"}; }
  std::vector<protocol::HeldJob> held() {
    std::vector<protocol::HeldJob> jobs;
    for (std::uint64_t left = random_.below(4); left > 0; --left) jobs.push_back({{ulid()}, {ulid()}});
    return jobs;
  }
  protocol::Hello hello() {
    protocol::Hello message;
    message.runner = {name()};
    message.arch = arch();
    message.host = text();
    message.version = text();
    message.device = {text(), count(), flag(), flag()};
    message.slots = static_cast<int>(number(1, 64));
    message.draining = flag();
    message.held = held();
    return message;
  }
  protocol::Item item(std::uint64_t kind) {
    protocol::Item message{{ulid()}, {ulid()}, count(), protocol::StageBegin{name()}};
    if (kind == 1)
      message.body = protocol::StageEnd{name(), static_cast<protocol::StageOutcome>(random_.below(5)),
                                        static_cast<int>(number(0, 255)), static_cast<int>(number(0, 64)),
                                        static_cast<std::int64_t>(count())};
    if (kind == 2) message.body = protocol::LogChunk{name(), bytes()};
    if (kind == 3) message.body = protocol::EventChunk{name() + ".jsonl", text() + "\n", part()};
    if (kind == 4) message.body = protocol::Finished{static_cast<protocol::JobOutcome>(random_.below(7)), text()};
    return message;
  }
  protocol::Assign assign() {
    protocol::Assign message;
    message.job = {ulid()};
    message.lease = {ulid()};
    message.attempt = static_cast<int>(number(1, 1000));
    message.repository = text();
    message.clone_url = text();
    message.ref = text();
    if (flag()) message.credential = GitCredential{name(), Secret(name() + "!~")};
    message.commit = {std::string(flag() ? 40 : 64, 'c')};
    message.arch = arch();
    for (std::uint64_t left = 1 + random_.below(3); left > 0; --left)
      message.stages.push_back({name(),
                                {"/bin/sh", text()},
                                static_cast<int>(number(1, 604'800)),
                                {{"NAME", text()}},
                                static_cast<Feeds>(random_.below(4))});
    message.stability = flag();
    for (const std::string_view control : contract::kControlNames)
      if (flag()) message.controls.emplace_back(control);
    if (flag()) message.adapter = nlohmann::json{{"name", text()}}.dump();
    message.deadline_s = number(1, 604'800);
    return message;
  }

  SeededRandom random_;
};

}  // namespace smgate::test
