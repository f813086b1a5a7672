#include "cli/table.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace parley::cli {
namespace {

TEST(Table, WhatAProducerWroteCannotMoveTheCursor) {
  const struct {
    std::string_view text;
    std::string_view shown;
  } cases[] = {
      {"order 7", "order 7"},
      {"Z\xc3\xbcrich \xe2\x82\xac", "Z\xc3\xbcrich \xe2\x82\xac"},
      {"a\nb\tc", "a\\x0ab\\x09c"},
      {"\x1b[2Jgone", "\\x1b[2Jgone"},
      {"\xc2\x9b"
       "2J",
       "\\x9b2J"},
      {"\xc2\xa0", "\xc2\xa0"},
      {"\x7f\xc2", "\\x7f\xc2"},
      {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(printable(c.text), c.shown);
}

}  // namespace
}  // namespace parley::cli
