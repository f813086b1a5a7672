// Numbers as JSON text: integers, and the shortest decimal that reads back as the same floating-point number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "contract/digits.h"

namespace parley::contract {

// ---- writing. Each returns what follows the number, and may write up to max_number_size bytes at `to`, also behind
// it.

inline constexpr std::size_t max_number_size = 64;
// As ECMAScript prints numbers: no exponent from 1e-6 to below 1e21. Not a number and the infinities are the quoted
// words "NaN", "Infinity" and "-Infinity".
char* put_double(char* to, double value);
char* put_float(char* to, float value);
void append_json_double(std::string& out, double value);
void append_json_float(std::string& out, float value);

// ---- reading

enum class NumberFault : std::uint8_t { none, syntax, fraction, range };

// What follows the longest number of JSON's grammar (RFC 8259 section 6) at `from`, or null if there is none.
const char* scan_number(const char* from, const char* end);

struct Integer {
  std::uint64_t magnitude = 0;
  bool negative = false;
};
// The whole of `text` is one JSON number whose value is an integer, in any spelling: 100, 1e2, 100.0, 1000e-1.
NumberFault get_integer(std::string_view text, Integer& value);

// Reads the number at `from`, checked against the grammar. Returns what follows it, or null if there is none. Too large
// gives an infinity; too small zero, as IEEE rounds it.
const char* read_double(const char* from, const char* end, double& value);
const char* read_float(const char* from, const char* end, float& value);

// The whole of `text` is one JSON number. Too large is `range`.
NumberFault get_double(std::string_view text, double& value);
NumberFault get_float(std::string_view text, float& value);

}  // namespace parley::contract
