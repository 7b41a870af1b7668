// A value or the text of why there is none, for expected failures. This folder builds alone and so has its own.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace smgate::workload {

struct Failure {
  std::string text;
};

template <class T>
class Outcome {
 public:
  Outcome(T value) : held_(std::move(value)) {}
  Outcome(Failure failure) : held_(std::move(failure)) {}

  explicit operator bool() const { return std::holds_alternative<T>(held_); }
  // Of the wrong side: throws std::bad_variant_access, a bug of the caller.
  T& value() { return std::get<T>(held_); }
  const T& value() const { return std::get<T>(held_); }
  const std::string& error() const { return std::get<Failure>(held_).text; }

 private:
  std::variant<T, Failure> held_;
};

// The run cannot go on: the device, a file or a compiler failed. Thrown by anything, caught in smoke_main once; the
// text is the run's symptom.
struct RunFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace smgate::workload
