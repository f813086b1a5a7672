#include "queue/retry.h"

#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/retry_info.h"

namespace parley::queue {
namespace {

using namespace std::chrono_literals;
using Kind = Settlement::Kind;

constexpr std::uint64_t random = 0;

TEST(Retry, OutcomeByStatus) {
  const struct {
    const char* name;
    std::optional<Code> code;
    int attempt;
    Kind want;
  } cases[] = {
      {"success", std::nullopt, 1, Kind::done},
      {"success at the last attempt", std::nullopt, 3, Kind::done},
      {"can never succeed", Code::invalid_argument, 1, Kind::dead},
      {"lost for good", Code::data_loss, 1, Kind::dead},
      {"fatal by the declaration", Code::not_found, 1, Kind::dead},
      {"may be rolled out yet", Code::unimplemented, 1, Kind::retry},
      {"may be given yet", Code::permission_denied, 2, Kind::retry},
      {"unavailable", Code::unavailable, 1, Kind::retry},
      {"too late", Code::deadline_exceeded, 1, Kind::retry},
      {"a bug", Code::unknown, 2, Kind::retry},
      {"the last attempt", Code::unavailable, 3, Kind::dead},
      {"more than the last attempt: the option was lowered", Code::unavailable, 9, Kind::dead},
  };
  const RetryPolicy policy{.attempts = 3, .first = 1s, .max = 1min, .fatal = {Code::not_found}};
  for (const auto& c : cases) {
    std::optional<Error> status;
    if (c.code) status = Error(*c.code, Blame::upstream, "no luck").with_reason("upstream_status");
    const Settlement settlement = settlement_of(status ? &*status : nullptr, c.attempt, policy, random);
    EXPECT_EQ(settlement.kind, c.want) << c.name;
    EXPECT_EQ(settlement.reason.empty(), c.want == Kind::done) << c.name;
    EXPECT_EQ(settlement.delay > 0s, c.want == Kind::retry) << c.name;
  }
}

TEST(Retry, ReasonsSayWhatHappenedAndHowOften) {
  const Error error = Error(Code::unavailable, Blame::upstream, "no mail server").with_reason("upstream_status");
  EXPECT_EQ(settlement_of(&error, 8, RetryPolicy(), random).reason,
            "after 8 attempts: UNAVAILABLE (upstream_status): no mail server");
  const Error fatal = Error(Code::invalid_argument, Blame::caller, "no address").with_reason("upstream_status");
  EXPECT_EQ(settlement_of(&fatal, 1, RetryPolicy(), random).reason, "INVALID_ARGUMENT (upstream_status): no address");
  const Error chatty(Code::invalid_argument, Blame::caller, std::string(996, 'x') + "äää");
  const std::string reason = reason_text(chatty);
  EXPECT_LE(reason.size(), 1000U);
  EXPECT_EQ(reason.back(), 'x') << "not cut within a character";
}

TEST(Retry, BackOffDoublesUpToItsMaximum) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  const struct {
    int attempt;
    Duration least;
    Duration base;
  } cases[] = {{1, 500ms, 1s}, {2, 1s, 2s},  {3, 2s, 4s},   {4, 4s, 8s},
               {5, 5s, 10s},   {6, 5s, 10s}, {60, 5s, 10s}, {2'000'000'000, 5s, 10s}};
  const RetryPolicy policy{.attempts = 100, .first = 1s, .max = 10s, .fatal = {}};
  for (const auto& c : cases) {
    EXPECT_EQ(back_off(policy, c.attempt, 0), c.least) << c.attempt;
    EXPECT_LE(back_off(policy, c.attempt, most), c.base) << c.attempt;
    const auto choices = static_cast<std::uint64_t>((c.base - c.least).count());
    EXPECT_EQ(back_off(policy, c.attempt, choices), c.base) << c.attempt;
  }
  EXPECT_EQ(back_off({.attempts = 3, .first = 0s, .max = 0s, .fatal = {}}, 2, most), 0s);
}

TEST(Retry, AHandlersRetryInfoTakesTheBackOffsPlace) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  const RetryPolicy policy{.attempts = 3, .first = 2s, .max = 1min, .fatal = {Code::not_found}};
  const struct {
    const char* name;
    Duration asked;
    Duration least;
    Duration latest;
  } cases[] = {
      {"longer than the back-off", 20s, 20s, 22s}, {"shorter than the back-off", 1500ms, 1500ms, 1650ms},
      {"zero is no loop", 0s, 1s, 1100ms},         {"shorter than any back-off", 1ms, 1s, 1100ms},
      {"near the maximum", 58s, 58s, 1min},        {"the maximum", 1min, 1min, 1min},
      {"beyond the maximum", 72h, 1min, 1min},     {"for ever", Duration::max(), 1min, 1min},
  };
  for (const auto& c : cases) {
    const Error error = Error(Code::resource_exhausted, Blame::upstream, "slowly")
                            .with_reason("upstream_status")
                            .with_detail(contract::retry_info(c.asked));
    EXPECT_EQ(settlement_of(&error, 2, policy, 0).delay, c.least) << c.name;
    for (const std::uint64_t chance : {std::uint64_t{1}, most / 3, most}) {
      const Settlement settlement = settlement_of(&error, 2, policy, chance);
      EXPECT_EQ(settlement.kind, Kind::retry) << c.name;
      EXPECT_GE(settlement.delay, c.least) << c.name;
      EXPECT_LE(settlement.delay, c.latest) << c.name;
    }
    EXPECT_EQ(settlement_of(&error, 3, policy, 0).kind, Kind::dead) << c.name << ": it was the last attempt";
  }
  const Error fatal = Error(Code::not_found, Blame::upstream, "x").with_detail(contract::retry_info(1s));
  EXPECT_EQ(settlement_of(&fatal, 1, policy, 0).kind, Kind::dead) << "what is fatal stays so";
  const Error malformed = Error(Code::unavailable, Blame::upstream, "x").with_detail({"google.rpc.RetryInfo", "\xff"});
  EXPECT_EQ(settlement_of(&malformed, 1, policy, 0).delay, back_off(policy, 1, 0));
}

TEST(Retry, JitterSpreadsWhatFailedTogether) {
  std::mt19937_64 engine(1);
  const RetryPolicy policy{.attempts = 8, .first = 8s, .max = 1min, .fatal = {}};
  std::array<int, 4> quarters{};
  for (int i = 0; i < 4000; ++i) {
    const Duration delay = back_off(policy, 1, engine());
    ASSERT_GE(delay, 4s);
    ASSERT_LE(delay, 8s);
    ++quarters[std::min<std::size_t>(3, static_cast<std::size_t>((delay - 4s) / 1s))];
  }
  for (const int count : quarters) EXPECT_NEAR(count, 1000, 150);
}

}  // namespace
}  // namespace parley::queue
