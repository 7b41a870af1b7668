// Deliveries come in, runs go out. `check_delivery` is pure; the others are one transaction each, called by the web
// server (accept) and the intake loop (process), on the store's thread.
//
//   POST -> check_delivery -> accept_delivery -> COMMIT -> 202;   later, until it returns nothing:
//   process_next_delivery
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/store/deliveries.hpp"
#include "server/store/runs.hpp"

namespace smgate::intake {

struct WebhookHeaders {
  std::optional<std::string> event;      // X-GitHub-Event
  std::optional<std::string> delivery;   // X-GitHub-Delivery
  std::optional<std::string> signature;  // X-Hub-Signature-256
};
struct Refused {
  int status = 400;  // 400: a header or the JSON is missing or broken; 401: the signature is wrong
  std::string what;
};
std::variant<store::Delivery, Refused> check_delivery(std::string_view secret, const WebhookHeaders& headers,
                                                      std::string body, std::int64_t now_ms);

struct Accepted {
  bool is_new = false;           // false: a redelivery of what is here already
  store::DeliveryStatus status;  // for a redelivery, what became of it
};
Accepted accept_delivery(store::Tx& tx, const store::Delivery& delivery);

// Nothing is to be done about it: kept as done, with the reason and without its payload. One that is delivered again
// when it has become ours (its repository was configured since) is accepted then.
void store_ignored(store::Tx& tx, const store::Delivery& delivery, const std::string& reason);

struct Processed {
  DeliveryId delivery;
  std::string outcome;             // for the row and the log: what was done, or why nothing was
  std::optional<RunId> run;        // made or joined
  bool fetch = false;              // wake source
  bool schedule = false;           // wake scheduler: a revived run has jobs that wait
  std::vector<store::Lease> lost;  // tell these runners to stop
};
// Works off the oldest pending delivery: its effects and its end are one transaction. Nothing where none is pending.
std::optional<Processed> process_next_delivery(store::Tx& tx, std::int64_t now_ms, Random& random);

}  // namespace smgate::intake
