// What becomes of a message when its handler has answered: docs/formats/delivery.md, "Outcome by status". One table and
// one formula for every backend; pure functions, so that tests are tables.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "queue/broker.h"
#include "queue/declaration.h"

namespace parley::queue {

enum class Verdict : std::uint8_t {
  done,   // handled
  retry,  // the same message may well be handled later
  dead,   // never, whatever changes
};
// Without the declaration's own `fatal` codes.
Verdict verdict(Code code);

// The time between attempt `attempt` (from 1), which failed, and the next: `first`, doubled with each attempt, `max` at
// most; of that, one half is certain and `random` chooses within the other, so that what failed together does not come
// back together.
Duration back_off(const RetryPolicy& policy, int attempt, std::uint64_t random);

// The time until the next attempt where the handler named one: no sooner than `asked`, and up to a tenth later. Not
// below the shortest back-off, so that a zero is no loop; `max` at most, as the option promises and backends count on.
Duration asked_for(const RetryPolicy& policy, Duration asked, std::uint64_t random);

// How attempt `attempt` is settled; `status`: null for success. A google.rpc.RetryInfo among its details takes the
// back-off's place.
Settlement settlement_of(const Error* status, int attempt, const RetryPolicy& policy, std::uint64_t random);

// The reason of a dead letter that nobody settled: its last lease ran out, or its node died with it.
std::string used_up_text(std::int64_t attempts);

// A reason as dead letters keep it: "INVALID_ARGUMENT (upstream_status): no such customer", at most 1,000 bytes.
std::string reason_text(const Error& error);

}  // namespace parley::queue
