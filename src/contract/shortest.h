// The shortest decimal that reads back as a given binary floating-point number, and of those the nearest: Schubfach
// (Raffaello Giulietti, "The Schubfach way to render doubles", 2020).
#pragma once

#include <cstdint>

namespace parley::contract {

// digits * 10^exponent; `digits` may end in zeros.
struct Decimal {
  std::uint64_t digits;
  int exponent;
};

// `value` is positive and finite.
Decimal shortest_decimal(double value);
Decimal shortest_decimal(float value);

}  // namespace parley::contract
