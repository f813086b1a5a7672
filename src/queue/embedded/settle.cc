#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "queue/embedded/ops.h"

namespace parley::queue::embedded {
namespace {

// The group, if the lease still is what it was.
Result<GroupState*> holder(Model& model, const Source& source, const Grip& grip) {
  Result<GroupState*> found = model.group(source);
  if (!found) return found;
  const Open* open = (*found)->open().find(grip.seq);
  if (open == nullptr || open->state != Open::State::leased || open->token != grip.token) return fail(lease_lost());
  return found;
}

Outcome outcome_of(Settlement::Kind kind) {
  switch (kind) {
    case Settlement::Kind::done: return Outcome::done;
    case Settlement::Kind::retry: return Outcome::retry;
    case Settlement::Kind::release: return Outcome::release;
    case Settlement::Kind::dead: return Outcome::dead;
  }
  return Outcome::release;
}

}  // namespace

Error lease_lost() {
  return Error(Code::failed_precondition, Blame::caller,
               "the lease ran out or was settled: somebody else may have the message")
      .with_reason("lease_lost");
}

std::string text_of(const Grip& grip) {
  std::array<char, 40> text;
  char* at = std::to_chars(text.data(), text.data() + 20, grip.seq).ptr;
  *at++ = '-';
  at = std::to_chars(at, text.data() + text.size(), grip.token, 16).ptr;
  return {text.data(), at};
}

std::optional<Grip> grip_of(std::string_view text) {
  Grip grip;
  const char* const end = text.data() + text.size();
  const auto seq = std::from_chars(text.data(), end, grip.seq);
  if (seq.ec != std::errc() || seq.ptr == end || *seq.ptr != '-') return std::nullopt;
  const auto token = std::from_chars(seq.ptr + 1, end, grip.token, 16);
  if (token.ec != std::errc() || token.ptr != end) return std::nullopt;
  return grip;
}

Op::Step ExtendOp::run(Model& model, store::Group& group) {
  const Result<GroupState*> state = holder(model, source, grip);
  if (!state) {
    error = state.error();
    return Step::complete;
  }
  const Extended record{.group = (*state)->id(), .seq = grip.seq, .until = millis(group.time()) + by};
  if (auto added = model.add(group, record); !added) error = refused(added.error());
  return Step::complete;
}

Op::Step SettleOp::run(Model& model, store::Group& group) {
  const Result<GroupState*> state = holder(model, source, grip);
  if (!state) {
    error = state.error();
    return Step::complete;
  }
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(how.delay).count();
  const Settled record{.group = (*state)->id(),
                       .seq = grip.seq,
                       .outcome = outcome_of(how.kind),
                       .due = millis(group.time()) + std::max<Millis>(0, delay),
                       .reason = how.reason};
  if (auto added = model.add(group, record); !added) error = refused(added.error());
  return Step::complete;
}

}  // namespace parley::queue::embedded
