#include "base/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace parley {

namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t none = 0xff;

constexpr auto values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(none);
  for (std::uint8_t i = 0; i < 64; ++i) table[static_cast<unsigned char>(alphabet[i])] = i;
  table['-'] = 62;
  table['_'] = 63;
  return table;
}();

// Two characters for each 12 bits: half the steps of the plain loop.
constexpr auto pairs = [] {
  std::array<std::array<char, 2>, 4096> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = {alphabet[i >> 6U], alphabet[i & 63U]};
  return table;
}();

std::uint32_t byte(char c) { return static_cast<unsigned char>(c); }
std::uint32_t value(char c) { return values[static_cast<unsigned char>(c)]; }

}  // namespace

char* put_base64(char* to, std::string_view bytes) {
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t word = byte(bytes[i]) << 16U | byte(bytes[i + 1]) << 8U | byte(bytes[i + 2]);
    const auto& high = pairs[word >> 12U];
    const auto& low = pairs[word & 0xfffU];
    *to++ = high[0];
    *to++ = high[1];
    *to++ = low[0];
    *to++ = low[1];
  }
  const std::size_t left = bytes.size() - i;
  if (left == 0) return to;
  const std::uint32_t word = byte(bytes[i]) << 16U | (left == 2 ? byte(bytes[i + 1]) << 8U : 0U);
  *to++ = alphabet[word >> 18U];
  *to++ = alphabet[word >> 12U & 63U];
  *to++ = left == 2 ? alphabet[word >> 6U & 63U] : '=';
  *to++ = '=';
  return to;
}

char* get_base64(char* to, std::string_view text) {
  if (text.size() % 4 == 0) {
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  }
  const std::size_t left = text.size() % 4;
  if (left == 1) return nullptr;
  std::size_t i = 0;
  for (; i + 4 <= text.size(); i += 4) {
    const std::uint32_t a = value(text[i]);
    const std::uint32_t b = value(text[i + 1]);
    const std::uint32_t c = value(text[i + 2]);
    const std::uint32_t d = value(text[i + 3]);
    if (((a | b | c | d) & 0xc0U) != 0) return nullptr;
    const std::uint32_t word = a << 18U | b << 12U | c << 6U | d;
    *to++ = static_cast<char>(word >> 16U);
    *to++ = static_cast<char>(word >> 8U);
    *to++ = static_cast<char>(word);
  }
  if (left == 0) return to;
  const std::uint32_t a = value(text[i]);
  const std::uint32_t b = value(text[i + 1]);
  const std::uint32_t c = left == 3 ? value(text[i + 2]) : 0;
  if (((a | b | c) & 0xc0U) != 0) return nullptr;
  const std::uint32_t word = a << 18U | b << 12U | c << 6U;
  *to++ = static_cast<char>(word >> 16U);
  if (left == 3) *to++ = static_cast<char>(word >> 8U);
  return to;
}

void base64_encode(std::string_view bytes, std::string& out, Base64 alphabet, bool padded) {
  const std::size_t before = out.size();
  out.resize(before + base64_size(bytes.size()));
  put_base64(out.data() + before, bytes);
  if (!padded && bytes.size() % 3 != 0) out.resize(out.size() - (3 - bytes.size() % 3));
  if (alphabet == Base64::url) {
    std::replace(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), '+', '-');
    std::replace(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(), '/', '_');
  }
}

bool base64_decode(std::string_view text, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + base64_decoded_size(text.size()));
  const char* end = get_base64(out.data() + before, text);
  out.resize(end == nullptr ? before : static_cast<std::size_t>(end - out.data()));
  return end != nullptr;
}

}  // namespace parley
