// Limits: how many calls a shard has under way at once, and the deadline of a unary call whose caller set none.
#pragma once

#include <cstddef>
#include <memory>

#include "call/handler.h"

namespace parley::filter {

// Shared by all methods of a shard.
struct Pending {
  std::size_t now = 0;
  std::size_t max = 10'000;
  Duration default_deadline{};  // zero: none
};

// Errors: resource_exhausted, reason "too_many_calls", safe to retry (nothing was done).
class Limits : public Handler {
 public:
  Limits(HandlerPtr inner, std::shared_ptr<Pending> pending) : inner_(std::move(inner)), pending_(std::move(pending)) {}
  Task<Result<void>> handle(Call& call) override;

 private:
  HandlerPtr inner_;
  std::shared_ptr<Pending> pending_;
};

}  // namespace parley::filter
