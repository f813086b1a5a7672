#include "contract/number_text.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include <fast_float/fast_float.h>

#include "contract/shortest.h"

namespace parley::contract {

namespace {

constexpr std::array<double, 23> exact_powers = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

char* put_word(char* to, std::string_view word) {
  std::memcpy(to, word.data(), word.size());
  return to + word.size();
}

// What lays out a decimal may write this much: whole words, also behind its end.
struct Digits17 {
  char text[48] = {};
  int count = 0;
};

char* copy_24(char* to, const char* from) {
  std::memcpy(to, from, 24);
  return to;
}

char* put_scientific(char* to, const Digits17& digits, int point) {
  *to++ = digits.text[0];
  if (digits.count > 1) {
    *to++ = '.';
    to = copy_24(to, digits.text + 1) + digits.count - 1;
  }
  *to++ = 'e';
  *to++ = point > 0 ? '+' : '-';
  return put_uint(to, static_cast<std::uint64_t>(point > 0 ? point - 1 : 1 - point));
}

// Lays out the digits with the decimal point after the first `point` of them (which may lie outside).
char* put_decimal(char* to, const Digits17& digits, int point) {
  if (point > 0 && point < digits.count) {
    copy_24(to, digits.text);
    to[point] = '.';
    copy_24(to + point + 1, digits.text + point);
    return to + digits.count + 1;
  }
  if (point > 21 || point < -5) return put_scientific(to, digits, point);
  if (point <= 0) {
    to = put_word8(to, 0x3030303030302e30) - 6 - point;  // "0.000000", of which some zeros stay
    return copy_24(to, digits.text) + digits.count;
  }
  copy_24(to, digits.text);
  std::memset(to + digits.count, '0', static_cast<std::size_t>(point - digits.count));
  return to + point;
}

char* put_decimal(char* to, std::uint64_t value, int exponent) {
  while (value % 100 == 0) {
    value /= 100;
    exponent += 2;
  }
  if (value % 10 == 0) {
    value /= 10;
    ++exponent;
  }
  Digits17 digits;
  digits.count = static_cast<int>(put_uint(digits.text, value) - digits.text);
  return put_decimal(to, digits, digits.count + exponent);
}

// Prices, rates, counts: a decimal of few places is found by scaling. A decimal of at most 15 digits that reads back as
// the value is the shortest one, because no two such decimals are the same double.
char* put_short_decimal(char* to, double value) {
  constexpr double scale = 10000;
  constexpr int places = 4;
  const double scaled = value * scale;
  if (!(scaled < 1e15)) return nullptr;
  // NOLINTNEXTLINE(bugprone-incorrect-roundings): a wrong rounding would not pass the test below
  const auto whole = static_cast<std::uint64_t>(static_cast<std::int64_t>(scaled + 0.5));
  if (static_cast<double>(static_cast<std::int64_t>(whole)) / scale != value) return nullptr;
  return put_decimal(to, whole, -places);
}

template <class Float>
char* put_shortest(char* to, Float value) {
  const Decimal decimal = shortest_decimal(value);
  return put_decimal(to, decimal.digits, decimal.exponent);
}

template <class Float>
char* put_floating(char* to, Float value) {
  if (!std::isfinite(value)) {
    if (std::isnan(value)) return put_word(to, "\"NaN\"");
    return put_word(to, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  }
  if (std::signbit(value)) {
    if (value == 0) return put_word(to, "-0.0");  // many JSON readers take -0 for an integer, which has no sign
    *to++ = '-';
    value = -value;
  }
  if (value == 0) return put_word(to, "0");
  if constexpr (sizeof(Float) == sizeof(double)) {
    if (char* after = put_short_decimal(to, value)) return after;
  }
  return put_shortest(to, value);
}

// The digits of a JSON number without its point, and the power of ten that the last of them stands for.
struct Digits {
  std::uint64_t value = 0;  // of the leading digits that fit
  bool cut = false;         // a digit other than 0 came after them
  std::int64_t exponent = 0;
};

Digits digits_of(std::string_view text) {
  Digits out;
  bool full = false;
  bool fraction = false;
  std::size_t i = 0;
  for (; i < text.size() && (is_digit(text[i]) || text[i] == '.'); ++i) {
    if (text[i] == '.') {
      fraction = true;
      continue;
    }
    const auto digit = static_cast<std::uint64_t>(text[i] - '0');
    std::uint64_t next = 0;
    full = full || __builtin_mul_overflow(out.value, std::uint64_t{10}, &next) ||
           __builtin_add_overflow(next, digit, &next);
    if (!full) out.value = next;
    out.cut = out.cut || (full && digit != 0);
    if (full && !fraction) ++out.exponent;
    if (!full && fraction) --out.exponent;
  }
  if (i == text.size()) return out;
  const bool negative = text[i + 1] == '-';
  std::int64_t exponent = 0;
  for (i += negative || text[i + 1] == '+' ? 2 : 1; i < text.size(); ++i) {
    if (exponent < 100'000'000) exponent = exponent * 10 + (text[i] - '0');  // beyond this all are out of range
  }
  out.exponent += negative ? -exponent : exponent;
  return out;
}

// A number's digits up to the 19th as an integer; `exact` if nothing was left out.
struct Scan {
  std::uint64_t mantissa = 0;
  std::int64_t exponent = 0;
  bool exact = false;
};

// One pass over the usual short number; null where the grammar or the slow path has to be asked.
const char* scan_short(const char* at, const char* end, Scan& scan) {
  const char* const digits = at;
  for (; at != end && is_digit(*at); ++at) scan.mantissa = scan.mantissa * 10 + static_cast<std::uint64_t>(*at - '0');
  std::ptrdiff_t count = at - digits;
  if (count == 0 || (*digits == '0' && count > 1)) return nullptr;
  if (at != end && *at == '.') {
    const char* const fraction = ++at;
    for (; at != end && is_digit(*at); ++at) scan.mantissa = scan.mantissa * 10 + static_cast<std::uint64_t>(*at - '0');
    scan.exponent = fraction - at;
    if (fraction == at) return nullptr;
    count += at - fraction;
  }
  if (at != end && (*at == 'e' || *at == 'E')) return nullptr;
  constexpr std::uint64_t exact_integers = std::uint64_t{1} << 53U;
  scan.exact = count <= 19 && scan.mantissa <= exact_integers && scan.exponent >= -22;
  return at;
}

template <class Float>
const char* read_floating(const char* from, const char* end, Float& value) {
  const char* stop = scan_number(from, end);
  if (stop != nullptr) fast_float::from_chars(from, stop, value);
  return stop;
}

template <class Float>
NumberFault whole_number(std::string_view text, Float& value, const char* stop) {
  if (stop == nullptr || stop != text.data() + text.size()) return NumberFault::syntax;
  return std::isfinite(value) ? NumberFault::none : NumberFault::range;
}

}  // namespace

char* put_double(char* to, double value) { return put_floating(to, value); }
char* put_float(char* to, float value) { return put_floating(to, value); }

void append_json_double(std::string& out, double value) {
  char text[max_number_size];
  out.append(text, put_double(text, value));
}

void append_json_float(std::string& out, float value) {
  char text[max_number_size];
  out.append(text, put_float(text, value));
}

const char* scan_number(const char* from, const char* end) {
  const auto digits = [end](const char* at) {
    while (at != end && is_digit(*at)) ++at;
    return at;
  };
  if (from != end && *from == '-') ++from;
  const char* at = digits(from);
  if (at == from || (*from == '0' && at - from > 1)) return nullptr;
  if (at != end && *at == '.') {
    const char* fraction = at + 1;
    at = digits(fraction);
    if (at == fraction) return nullptr;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    const char* exponent = at + 1;
    if (exponent != end && (*exponent == '+' || *exponent == '-')) ++exponent;
    at = digits(exponent);
    if (at == exponent) return nullptr;
  }
  return at;
}

NumberFault get_integer(std::string_view text, Integer& value) {
  if (text.empty() || scan_number(text.data(), text.data() + text.size()) != text.data() + text.size()) {
    return NumberFault::syntax;
  }
  value.negative = text.front() == '-';
  Digits digits = digits_of(text.substr(value.negative ? 1 : 0));
  while (digits.exponent < 0 && digits.value != 0 && digits.value % 10 == 0) {
    digits.value /= 10;
    ++digits.exponent;
  }
  value.magnitude = digits.value;
  if (digits.value == 0) return NumberFault::none;
  if (digits.exponent < 0) return NumberFault::fraction;
  if (digits.cut) return NumberFault::range;  // more digits than 64 bits hold, and the last is not 0
  for (; digits.exponent > 0; --digits.exponent) {
    if (__builtin_mul_overflow(value.magnitude, std::uint64_t{10}, &value.magnitude)) return NumberFault::range;
  }
  return NumberFault::none;
}

const char* read_double(const char* from, const char* end, double& value) {
  const bool negative = from != end && *from == '-';
  Scan scan;
  const char* const stop = scan_short(from + (negative ? 1 : 0), end, scan);
  if (stop == nullptr || !scan.exact) return read_floating(from, end, value);
  // Both are exact doubles, so one division rounds correctly (Clinger 1990).
  value = static_cast<double>(scan.mantissa) / exact_powers[static_cast<std::size_t>(-scan.exponent)];
  if (negative) value = -value;
  return stop;
}

const char* read_float(const char* from, const char* end, float& value) { return read_floating(from, end, value); }

NumberFault get_double(std::string_view text, double& value) {
  return whole_number(text, value, read_double(text.data(), text.data() + text.size(), value));
}

NumberFault get_float(std::string_view text, float& value) {
  return whole_number(text, value, read_float(text.data(), text.data() + text.size(), value));
}

}  // namespace parley::contract
