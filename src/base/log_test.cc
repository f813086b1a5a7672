#include "base/log.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/text.h"

namespace parley::log {
namespace {

// What standard error got, without the time in front.
std::vector<std::string> lines_of(const std::string& written) {
  std::vector<std::string> out;
  for (const std::string_view line : split(trim(written), '\n')) out.emplace_back(line.substr(line.find(' ') + 1));
  return out;
}

TEST(Log, WhatAProducerWroteStaysOnItsLine) {
  const struct {
    std::string_view id;
    std::string_view shown;
  } cases[] = {
      {"order 7", "order 7"},
      {"7\n00:00:00.000000 error the disk is full", "7\\x0a00:00:00.000000 error the disk is full"},
      {"7\r\x1b[2Kgone", "7\\x0d\\x1b[2Kgone"},
      {"\xc2\x9b"
       "2J",
       "\\x9b2J"},
      {"Z\xc3\xbcrich", "Z\xc3\xbcrich"},
  };
  for (const auto& c : cases) {
    testing::internal::CaptureStderr();
    warn("message {} is dead", c.id);
    const auto lines = lines_of(testing::internal::GetCapturedStderr());
    EXPECT_EQ(lines, std::vector{"warning message " + std::string(c.shown) + " is dead"});
  }
}

TEST(Log, ATextOfOursIsAnEventALine) {
  testing::internal::CaptureStderr();
  write_lines(Level::error, "p.yaml:1:1: unknown key 'a'\np.yaml:2:1: unknown key '\x1b'");
  EXPECT_EQ(lines_of(testing::internal::GetCapturedStderr()),
            (std::vector<std::string>{"error p.yaml:1:1: unknown key 'a'", "error p.yaml:2:1: unknown key '\\x1b'"}));
}

}  // namespace
}  // namespace parley::log
