#include "queue/retry.h"

#include <algorithm>
#include <array>

#include "contract/retry_info.h"

namespace parley::queue {
namespace {

constexpr std::size_t longest_reason = 1000;

// Indexed by Code. Dead are only the codes that, by their definition (google/rpc/code.proto), say that nothing about
// the world around the message can make it succeed; all others may pass: a thing is created, a permission given, a
// service rolled out.
constexpr std::array<Verdict, code_count> verdicts = {
    Verdict::done,   // OK
    Verdict::retry,  // CANCELLED
    Verdict::retry,  // UNKNOWN
    Verdict::dead,   // INVALID_ARGUMENT: "regardless of the state of the system"
    Verdict::retry,  // DEADLINE_EXCEEDED
    Verdict::retry,  // NOT_FOUND
    Verdict::retry,  // ALREADY_EXISTS
    Verdict::retry,  // PERMISSION_DENIED
    Verdict::retry,  // RESOURCE_EXHAUSTED
    Verdict::retry,  // FAILED_PRECONDITION
    Verdict::retry,  // ABORTED
    Verdict::retry,  // OUT_OF_RANGE: unlike INVALID_ARGUMENT, it may pass if the state changes
    Verdict::retry,  // UNIMPLEMENTED: the version that has it may be on its way
    Verdict::retry,  // INTERNAL
    Verdict::retry,  // UNAVAILABLE
    Verdict::dead,   // DATA_LOSS: "unrecoverable"
    Verdict::retry,  // UNAUTHENTICATED
};

// Not within a character.
void cut(std::string& text) {
  if (text.size() <= longest_reason) return;
  std::size_t end = longest_reason;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
}

}  // namespace

Verdict verdict(Code code) { return verdicts[static_cast<std::size_t>(code)]; }

Duration back_off(const RetryPolicy& policy, int attempt, std::uint64_t random) {
  Duration base = std::min(policy.first, policy.max);
  for (int i = 1; i < attempt && base < policy.max; ++i) base = base > policy.max / 2 ? policy.max : base * 2;
  const Duration half = base / 2;
  const auto choices = static_cast<std::uint64_t>((base - half).count()) + 1;
  return half + Duration(static_cast<Duration::rep>(random % choices));
}

Duration asked_for(const RetryPolicy& policy, Duration asked, std::uint64_t random) {
  const Duration least = std::min(policy.first, policy.max) / 2;
  if (asked >= policy.max) return policy.max;
  asked = std::max(asked, least);
  const auto choices = static_cast<std::uint64_t>((asked / 10).count()) + 1;
  return std::min(asked + Duration(static_cast<Duration::rep>(random % choices)), policy.max);
}

std::string used_up_text(std::int64_t attempts) {
  return "after " + std::to_string(attempts) + (attempts == 1 ? " attempt" : " attempts") + ": the lease ran out";
}

std::string reason_text(const Error& error) {
  std::string text = error.text();
  cut(text);
  return text;
}

Settlement settlement_of(const Error* status, int attempt, const RetryPolicy& policy, std::uint64_t random) {
  if (status == nullptr || verdict(status->code()) == Verdict::done) return {};
  const bool fatal =
      verdict(status->code()) == Verdict::dead || std::ranges::find(policy.fatal, status->code()) != policy.fatal.end();
  if (fatal) return {.kind = Settlement::Kind::dead, .delay = {}, .reason = reason_text(*status)};
  if (attempt >= policy.attempts) {
    std::string reason = "after " + std::to_string(attempt) + " attempts: " + status->text();
    cut(reason);
    return {.kind = Settlement::Kind::dead, .delay = {}, .reason = std::move(reason)};
  }
  const auto asked = contract::retry_delay(*status);
  const Duration delay = asked ? asked_for(policy, *asked, random) : back_off(policy, attempt, random);
  return {.kind = Settlement::Kind::retry, .delay = delay, .reason = reason_text(*status)};
}

}  // namespace parley::queue
