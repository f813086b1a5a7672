#include "contract/shortest.h"

#include <array>
#include <bit>

namespace parley::contract {

namespace {

__extension__ using uint128 = unsigned __int128;

struct Word128 {
  std::uint64_t high;
  std::uint64_t low;
};

constexpr int least_power = -292;  // of ten: what 5e-324 and the largest double need
constexpr int most_power = 324;

// A binary fraction of 384 bits, most significant word first, whose highest bit is set. Its exponent is nobody's
// concern.
using Wide = std::array<std::uint64_t, 6>;

constexpr void shift_left(Wide& number, int bits) {
  for (std::size_t i = 0; i < number.size(); ++i) {
    const std::uint64_t next = i + 1 < number.size() ? number[i + 1] : 0;
    number[i] = number[i] << bits | next >> (64 - bits);
  }
}

constexpr void divide_by_ten(Wide& number) {
  uint128 rest = 0;
  for (std::uint64_t& word : number) {
    const uint128 part = rest << 64U | word;
    word = static_cast<std::uint64_t>(part / 10);
    rest = part % 10;
  }
  shift_left(number, std::countl_zero(number[0]));
}

// By 10/16: four bits of room are made first, so that nothing overflows.
constexpr void multiply_by_ten(Wide& number) {
  uint128 carry = 0;
  for (std::size_t i = number.size(); i-- > 0;) {
    const uint128 part = uint128{number[i]} * 10 + carry;
    number[i] = static_cast<std::uint64_t>(part);
    carry = part >> 64U;
  }
  // The carry is the new highest word; shift it in.
  const int bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(carry)));
  for (std::size_t i = number.size(); i-- > 0;) {
    const std::uint64_t above = i > 0 ? number[i - 1] : static_cast<std::uint64_t>(carry);
    number[i] = number[i] >> bits | above << (64 - bits);
  }
}

constexpr Word128 rounded_up(const Wide& number) {
  Word128 top{number[0], number[1]};
  if ((number[2] | number[3] | number[4] | number[5]) != 0) {
    ++top.low;
    top.high += top.low == 0 ? 1 : 0;
  }
  return top;
}

// 10^k for each k, scaled into [2^127, 2^128) and rounded up. The 384 bits lose less than 2^-370 on the way, far from
// where the rounding to 128 bits could change.
constexpr auto powers = [] {
  std::array<Word128, most_power - least_power + 1> table{};
  Wide number{std::uint64_t{1} << 63U};
  for (int k = 0; k <= most_power; ++k) {
    table[static_cast<std::size_t>(k - least_power)] = rounded_up(number);
    multiply_by_ten(number);
  }
  number = {std::uint64_t{1} << 63U};
  for (int k = -1; k >= least_power; --k) {
    divide_by_ten(number);
    table[static_cast<std::size_t>(k - least_power)] = rounded_up(number);
  }
  return table;
}();

constexpr int floor_log2_pow10(int e) { return e * 1741647 >> 19; }

// The high 64 bits of the product, with the last bit set if anything below them counts ("round to odd").
std::uint64_t round_to_odd(Word128 power, std::uint64_t factor) {
  const uint128 low = uint128{power.low} * factor;
  const uint128 sum = uint128{power.high} * factor + static_cast<std::uint64_t>(low >> 64U);
  return static_cast<std::uint64_t>(sum >> 64U) | (static_cast<std::uint64_t>(sum) > 1 ? 1U : 0U);
}

// The number is significand * 2^exponent; all others that round to it lie half a step around, a quarter step below if
// `closer`.
Decimal shortest(std::uint64_t significand, int exponent, bool closer) {
  const int k = (exponent * 1262611 - (closer ? 524031 : 0)) >> 22;
  const int h = exponent + floor_log2_pow10(-k) + 1;
  const Word128 power = powers[static_cast<std::size_t>(-k - least_power)];
  const std::uint64_t odd = significand & 1U;  // an even one owns its boundaries
  const std::uint64_t lower = round_to_odd(power, (4 * significand - 2 + (closer ? 1 : 0)) << h) + odd;
  const std::uint64_t middle = round_to_odd(power, (4 * significand) << h);
  const std::uint64_t upper = round_to_odd(power, (4 * significand + 2) << h) - odd;
  const std::uint64_t s = middle / 4;
  if (s >= 10) {
    const std::uint64_t tens = s / 10;
    const bool below = lower <= 40 * tens;
    const bool above = 40 * tens + 40 <= upper;
    if (below != above) return {tens + (above ? 1 : 0), k + 1};
  }
  const bool below = lower <= 4 * s;
  const bool above = 4 * s + 4 <= upper;
  if (below != above) return {s + (above ? 1 : 0), k};
  const std::uint64_t half = 4 * s + 2;
  const bool up = middle > half || (middle == half && (s & 1U) != 0);
  return {s + (up ? 1 : 0), k};
}

template <class Float, class Bits, int fraction_bits, int bias>
Decimal shortest_of(Float value) {
  constexpr Bits hidden = Bits{1} << fraction_bits;
  const Bits bits = std::bit_cast<Bits>(value);
  const Bits fraction = bits & (hidden - 1);
  const int biased = static_cast<int>(bits >> fraction_bits);
  if (biased == 0) return shortest(fraction, 1 - bias, false);
  return shortest(hidden | fraction, biased - bias, fraction == 0 && biased > 1);
}

}  // namespace

Decimal shortest_decimal(double value) { return shortest_of<double, std::uint64_t, 52, 1075>(value); }
Decimal shortest_decimal(float value) { return shortest_of<float, std::uint32_t, 23, 150>(value); }

}  // namespace parley::contract
