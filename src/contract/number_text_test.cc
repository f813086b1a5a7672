#include "contract/number_text.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace parley::contract {
namespace {

std::string print(double value) {
  char text[max_number_size];
  return {text, put_double(text, value)};
}
std::string print_float(float value) {
  char text[max_number_size];
  return {text, put_float(text, value)};
}

TEST(PutDouble, IsTheShortestTextAsEcmaScriptLaysItOut) {
  const std::pair<double, const char*> cases[] = {
      {0.0, "0"},
      {-0.0, "-0.0"},
      {1, "1"},
      {-1.5, "-1.5"},
      {0.1, "0.1"},
      {19.99, "19.99"},
      {100, "100"},
      {1e15, "1000000000000000"},
      {123456789012345678, "123456789012345680"},
      {1e20, "100000000000000000000"},
      {1e21, "1e+21"},
      {1.5e22, "1.5e+22"},
      {0.000001, "0.000001"},
      {1e-7, "1e-7"},
      {1.25e-7, "1.25e-7"},
      {0.30000000000000004, "0.30000000000000004"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {1.0 / 3, "0.3333333333333333"},
      {2.2250738585072014e-308, "2.2250738585072014e-308"},
      {9007199254740993, "9007199254740992"},
      {999999999999999.9, "999999999999999.9"},
      {0.00001, "0.00001"},
      {1234.5678, "1234.5678"},
  };
  for (const auto& [value, text] : cases) EXPECT_EQ(print(value), text);
}

TEST(PutDouble, ReadsBackAsTheSame) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto value = i % 2 == 0 ? std::bit_cast<double>(random())
                                  : static_cast<double>(random() % 1000000000) /
                                        static_cast<double>(std::uint64_t{1} << (random() % 40));
    if (!std::isfinite(value)) continue;
    const std::string text = print(value);
    double back = 0;
    ASSERT_EQ(get_double(text, back), NumberFault::none) << text;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(back), std::bit_cast<std::uint64_t>(value)) << text;
    ASSERT_LE(text.size(), 25U);
  }
}

TEST(PutFloat, IsShortAndReadsBackAsTheSame) {
  EXPECT_EQ(print_float(0.1F), "0.1");
  EXPECT_EQ(print_float(16777216.0F), "16777216");
  EXPECT_EQ(print_float(3.4028235e38F), "3.4028235e+38");
  EXPECT_EQ(print_float(1e-45F), "1e-45");
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    float back = 0;
    ASSERT_EQ(get_float(print_float(value), back), NumberFault::none);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(back), std::bit_cast<std::uint32_t>(value));
  }
}

TEST(PutInt, CoversTheEnds) {
  char text[max_number_size];
  const auto print_int = [&](std::int64_t value) { return std::string(text, put_int(text, value)); };
  for (const std::int64_t value :
       {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0}, std::int64_t{9}, std::int64_t{10},
        std::int64_t{99}, std::int64_t{100}, std::int64_t{12345}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(print_int(value), std::to_string(value));
  }
  for (std::uint64_t power = 1; power < 1000000000000000000; power *= 10) {
    EXPECT_EQ(std::string(text, put_uint(text, power)), std::to_string(power));
    EXPECT_EQ(std::string(text, put_uint(text, power - 1)), std::to_string(power - 1));
  }
  EXPECT_EQ(std::string(text, put_uint(text, ~0ULL)), "18446744073709551615");
}

TEST(GetInteger, TakesEverySpellingOfAnInteger) {
  const struct {
    const char* text;
    NumberFault fault;
    std::uint64_t magnitude;
  } cases[] = {
      {"0", NumberFault::none, 0},
      {"-0", NumberFault::none, 0},
      {"0e99999999999", NumberFault::none, 0},
      {"1e3", NumberFault::none, 1000},
      {"1E+3", NumberFault::none, 1000},
      {"12.50e1", NumberFault::none, 125},
      {"1000e-3", NumberFault::none, 1},
      {"1.000000000000000000000000000000", NumberFault::none, 1},
      {"18446744073709551615", NumberFault::none, ~0ULL},
      {"18446744073709551615.0", NumberFault::none, ~0ULL},
      {"18446744073709551616", NumberFault::range, 0},
      {"18446744073709551620", NumberFault::range, 0},
      {"100000000000000000000000e-20", NumberFault::none, 1000},
      {"1e99999999999", NumberFault::range, 0},
      {"1e-1", NumberFault::fraction, 0},
      {"1.5", NumberFault::fraction, 0},
      {"", NumberFault::syntax, 0},
      {"-", NumberFault::syntax, 0},
      {"01", NumberFault::syntax, 0},
      {"1.", NumberFault::syntax, 0},
      {"1e", NumberFault::syntax, 0},
      {"1 ", NumberFault::syntax, 0},
      {"0x10", NumberFault::syntax, 0},
  };
  Integer none;
  EXPECT_EQ(get_integer(std::string_view(), none), NumberFault::syntax) << "no text at all";
  for (const auto& c : cases) {
    Integer value;
    EXPECT_EQ(get_integer(c.text, value), c.fault) << c.text;
    if (c.fault == NumberFault::none) EXPECT_EQ(value.magnitude, c.magnitude) << c.text;
  }
}

TEST(GetDouble, RoundsCorrectlyAndKnowsItsRange) {
  const std::pair<const char*, double> good[] = {
      {"0.1", 0.1},
      {"9007199254740993", 9007199254740992},
      {"1e-400", 0},
      {"123456789012345678901234567890", 1.2345678901234568e29},
      {"4.35", 4.35},
      {"0.000001", 1e-6},
      {"1.7976931348623157e308", 1.7976931348623157e308},
  };
  for (const auto& [text, expected] : good) {
    double value = 0;
    EXPECT_EQ(get_double(text, value), NumberFault::none) << text;
    EXPECT_EQ(value, expected) << text;
  }
  double value = 0;
  EXPECT_EQ(get_double("1e309", value), NumberFault::range);
  for (const char* text : {"", "nan", "inf", "Infinity", "1.5x", "+1", ".5", "5.", "1e+"}) {
    EXPECT_EQ(get_double(text, value), NumberFault::syntax) << text;
  }
}

}  // namespace
}  // namespace parley::contract
