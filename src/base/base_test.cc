#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/deadline.h"
#include "base/error.h"
#include "base/fields.h"
#include "base/text.h"

namespace parley {
namespace {

using namespace std::chrono_literals;

TEST(Bytes, ASliceSharesAndOutlivesTheWhole) {
  Bytes part;
  {
    const Bytes whole(std::string(1000, 'a') + "tail");
    part = whole.slice(1000);
    EXPECT_EQ(part.data(), whole.data() + 1000);
  }
  EXPECT_EQ(part.view(), "tail");
  EXPECT_EQ(part.slice(2, 1).view(), "i");
  EXPECT_TRUE(part.slice(9).empty());
}

TEST(Bytes, ACompactPartHoldsNoMoreThanTwiceItsSize) {
  const Bytes whole(std::string(1000, 'a') + "tail");
  const Bytes part = whole.slice(1000);
  const Bytes most = whole.slice(400);
  EXPECT_EQ(part.compact(), part);
  EXPECT_NE(part.compact().data(), part.data());
  EXPECT_EQ(most.compact().data(), most.data());
  EXPECT_EQ(whole.slice(5, 0).compact().size(), 0U);
  EXPECT_EQ(Bytes::literal("text").slice(1, 1).compact().view(), "e");
}

TEST(Fields, KeepsOrderAndLowersNames) {
  Fields fields{{"Content-Type", "text/Plain"}, {"x-a", "1"}, {"X-A", "2"}};
  EXPECT_EQ(fields.get("content-type"), "text/Plain");
  EXPECT_EQ(fields.all("x-a"), (std::vector<std::string_view>{"1", "2"}));
  EXPECT_EQ(fields.remove("x-a"), 2U);
  EXPECT_FALSE(fields.has("x-a"));
  fields.set("content-type", "b");
  EXPECT_EQ(fields.size(), 1U);
  EXPECT_EQ(fields[0].value, "b");
}

TEST(Error, KeepsWhatMattersAcrossCopies) {
  const Error error = Error(Code::unavailable, Blame::upstream, "refused")
                          .with_reason("upstream_refused")
                          .safe_to_retry()
                          .during("calling orders");
  const Error copy = error;
  EXPECT_EQ(copy.text(), "UNAVAILABLE (upstream_refused): calling orders: refused");
  EXPECT_TRUE(copy.is_safe_to_retry());
  EXPECT_EQ(Error(Code::not_found, Blame::caller, "x").reason(), "not_found");
}

TEST(Error, DuringStandsAloneWhereThereIsNoMessage) {
  EXPECT_EQ(Error(Code::unavailable, Blame::upstream, "").during("reading").message(), "reading");
  EXPECT_EQ(Error(Code::unavailable, Blame::upstream, "no luck").during("reading").message(), "reading: no luck");
}

TEST(Error, CodesHaveTheirNames) {
  for (int i = 0; i < code_count; ++i) {
    const auto code = static_cast<Code>(i);
    EXPECT_EQ(code_from_name(name(code)), code);
    EXPECT_EQ(code_from_name(lower_name(code)), code);
    EXPECT_EQ(code_from_number(i), code);
  }
  EXPECT_EQ(code_from_number(99), Code::unknown);
  EXPECT_EQ(code_from_number(-1), Code::unknown);
  EXPECT_FALSE(code_from_name("NOPE").has_value());
}

TEST(Deadline, SaturatesInsteadOfOverflowing) {
  const Instant now = Clock::now();
  EXPECT_TRUE(Deadline::after(now, Duration::max()).is_never());
  EXPECT_EQ(Deadline::after(now, 1s).left(now), 1s);
  EXPECT_EQ(Deadline::after(now, 1s).left(now + 2s), Duration::zero());
  EXPECT_FALSE(Deadline::never().left(now).has_value());
}

TEST(Text, UnitsAreExact) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("0"), 0s);
  EXPECT_EQ(parse_bytes("4MiB"), 4 << 20);
  EXPECT_EQ(parse_bytes("1000"), 1000);
  for (const char* bad : {"", "ms", "1.5s", "-1s", "1 s", "99999999999d", "10"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
  for (const char* bad : {"", "MiB", "-1", "4 MiB", "4mib", "9999999999GiB"}) EXPECT_FALSE(parse_bytes(bad)) << bad;
}

TEST(Text, JsonQuotedEscapesWhatJsonForbids) { EXPECT_EQ(json_quoted("a\"\\\n\x01"), "\"a\\\"\\\\\\n\\u0001\""); }

}  // namespace
}  // namespace parley
