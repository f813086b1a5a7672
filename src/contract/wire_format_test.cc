#include "contract/wire_format.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace parley::contract {
namespace {

// Numbers of every size, around every power of two.
std::vector<std::uint64_t> numbers() {
  std::vector<std::uint64_t> all = {0, ~0ULL};
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t around : {-1, 0, 1}) all.push_back((1ULL << bit) + around);
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) all.push_back(random() >> random() % 64);
  return all;
}

TEST(Varint, TheWideOnesDoAsThePlainOnesDo) {
  for (const std::uint64_t number : numbers()) {
    char plain[16] = {};
    char wide[16] = {};
    const auto size = static_cast<std::size_t>(put_varint(plain, number) - plain);
    ASSERT_EQ(put_varint_wide(wide, number) - wide, static_cast<std::ptrdiff_t>(size)) << number;
    EXPECT_EQ(std::string(wide, size), std::string(plain, size)) << number;
    EXPECT_EQ(varint_size(number), size) << number;
    for (const std::size_t room : {size, std::size_t{16}}) {  // at the end of the text, and with more behind it
      std::uint64_t back = ~number;
      EXPECT_EQ(read_varint_wide(plain, plain + room, back), plain + size) << number;
      EXPECT_EQ(back, number);
      EXPECT_EQ(read_varint(plain, plain + room, back), plain + size) << number;
      EXPECT_EQ(back, number);
    }
    std::uint64_t back = 0;
    EXPECT_EQ(read_varint_wide(plain, plain + size - 1, back), nullptr) << "cut off: " << number;
  }
}

TEST(Varint, ElevenBytesAreRefused) {
  const std::string text = std::string(10, '\x80') + std::string(8, '\0');
  std::uint64_t number = 0;
  EXPECT_EQ(read_varint_wide(text.data(), text.data() + text.size(), number), nullptr);
  EXPECT_EQ(read_varint(text.data(), text.data() + text.size(), number), nullptr);
}

TEST(Zigzag, ComesBack) {
  for (const std::uint64_t number : numbers()) {
    EXPECT_EQ(unzigzag(zigzag(static_cast<std::int64_t>(number))), static_cast<std::int64_t>(number));
  }
  EXPECT_EQ(zigzag(-1), 1U);
  EXPECT_EQ(unzigzag(2), 1);
}

TEST(Tag, RefusesFieldZeroAndUnknownWireTypes) {
  for (const std::string& text :
       {std::string("\0", 1), std::string("\x06"), std::string("\x0f"), std::string("\xff\xff\xff\xff\x1f")}) {
    std::uint32_t tag = 0;
    EXPECT_EQ(read_tag(text.data(), text.data() + text.size(), tag), nullptr);
  }
}

}  // namespace
}  // namespace parley::contract
