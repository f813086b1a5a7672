#include "contract/retry_info.h"

#include <gtest/gtest.h>

namespace parley::contract {
namespace {

using namespace std::chrono_literals;

TEST(RetryInfo, WhatADetailSays) {
  const struct {
    const char* name;
    std::string wire;
    std::optional<Duration> want;
  } cases[] = {
      {"seconds", std::string("\x0a\x02\x08\x05", 4), 5s},
      {"seconds and nanoseconds", std::string("\x0a\x05\x08\x01\x10\xe8\x07", 7), 1s + 1us},
      {"none given", "", std::nullopt},
      {"zero", std::string("\x0a\x00", 2), 0s},
      {"a field we do not know before it", std::string("\x12\x01x\x0a\x02\x08\x05", 7), 5s},
      {"negative", std::string("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13), std::nullopt},
      {"nanoseconds beyond a second", std::string("\x0a\x06\x10\x80\x94\xeb\xdc\x03", 8), std::nullopt},
      {"longer than we can count", std::string("\x0a\x07\x08\xff\xff\xff\xff\xff\x0f", 9), Duration::max()},
      {"cut off", "\x0a\xff", std::nullopt},
      {"cut off within", std::string("\x0a\x02\x08\xff", 4), std::nullopt},
      {"rubbish", "\xff", std::nullopt},
  };
  for (const auto& c : cases) {
    const Error error = Error(Code::unavailable, Blame::upstream, "x").with_detail({"google.rpc.RetryInfo", c.wire});
    EXPECT_EQ(retry_delay(error), c.want) << c.name;
  }
  const Error other = Error(Code::unavailable, Blame::upstream, "x").with_detail({"google.rpc.Help", cases[0].wire});
  EXPECT_EQ(retry_delay(other), std::nullopt);
}

TEST(RetryInfo, WhatIsWrittenIsRead) {
  for (const Duration delay : {Duration(0s), Duration(1ns), Duration(1500ms), Duration(3s), Duration(24h * 400)}) {
    const Error error = Error(Code::unavailable, Blame::upstream, "x").with_detail(retry_info(delay));
    EXPECT_EQ(retry_delay(error), delay);
  }
}

}  // namespace
}  // namespace parley::contract
