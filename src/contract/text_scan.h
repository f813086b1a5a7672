// Scanning text for what JSON strings treat specially, 16 bytes at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace parley::contract {

inline bool is_special(unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; }

// The first control character, quote or backslash in [from, end), or end. Sets `high` if a byte above 0x7f stands
// before it, and leaves it as it was otherwise.
inline const char* scan_plain(const char* from, const char* end, bool& high) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  while (end - from >= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block);
    const __m128i mark =
        _mm_or_si128(control, _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
    const auto special = static_cast<std::uint32_t>(_mm_movemask_epi8(mark));
    const auto above = static_cast<std::uint32_t>(_mm_movemask_epi8(block));
    if (special != 0) {
      const int at = std::countr_zero(special);
      high = high || (above & ((1U << static_cast<unsigned>(at)) - 1U)) != 0;
      return from + at;
    }
    high = high || above != 0;
    from += 16;
  }
#endif
  for (; from != end; ++from) {
    const auto c = static_cast<unsigned char>(*from);
    if (is_special(c)) return from;
    high = high || c >= 0x80;
  }
  return from;
}

// Whole text; overlong forms, surrogates and code points above U+10FFFF are refused (RFC 3629).
bool is_utf8(std::string_view text);

}  // namespace parley::contract
