#include "wire/base64.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace parley::wire {
namespace {

constexpr std::string_view alphabets[] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};
constexpr std::uint8_t not_a_digit = 0xff;

constexpr std::array<std::uint8_t, 256> digit_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(not_a_digit);
  for (const std::string_view alphabet : alphabets) {
    for (std::size_t i = 0; i < alphabet.size(); ++i)
      values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> value_of = digit_values();

// Up to four digits to up to three bytes. False for another character.
bool decode_group(const char* digits, std::size_t count, std::string& out) {
  std::uint32_t bits = 0;
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint32_t value = i < count ? value_of[static_cast<unsigned char>(digits[i])] : 0U;
    bad |= value & 0x80U;
    bits = bits << 6U | (value & 0x3fU);
  }
  const char bytes[] = {static_cast<char>(bits >> 16U), static_cast<char>(bits >> 8U), static_cast<char>(bits)};
  out.append(bytes, count - 1);
  return bad == 0;
}

// How many of a group of four characters are digits: 4 without padding, 2 or 3 with it, 0 if the padding is wrong.
std::size_t digits_in(const char* group) {
  if (group[3] != '=') return 4;
  if (group[2] != '=') return 3;
  return group[1] != '=' && group[0] != '=' ? 2 : 0;
}

}  // namespace

void base64_encode(std::string_view bytes, std::string& out, Base64 alphabet, bool padded) {
  const std::string_view digits = alphabets[alphabet == Base64::standard ? 0 : 1];
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    const auto byte = [&](std::size_t k) { return k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U; };
    const std::uint32_t bits = byte(0) << 16U | byte(1) << 8U | byte(2);
    const char group[] = {digits[bits >> 18U], digits[bits >> 12U & 63U], digits[bits >> 6U & 63U], digits[bits & 63U]};
    out.append(group, have + 1);
    if (padded) out.append(3 - have, '=');
  }
}

bool base64_decode(std::string_view text, std::string& out) {
  const std::size_t before = out.size();
  if (text.size() % 4 == 0 && text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  out.reserve(before + text.size() / 4 * 3 + 3);
  bool good = text.size() % 4 != 1;
  std::size_t i = 0;
  for (; good && i + 4 <= text.size(); i += 4) good = decode_group(text.data() + i, 4, out);
  if (good && i < text.size()) good = decode_group(text.data() + i, text.size() - i, out);
  if (!good) out.resize(before);
  return good;
}

void add_bin_encoded(Fields& to, std::string_view name, std::string_view bytes) {
  std::string text;
  base64_encode(bytes, text, Base64::standard, false);
  to.add(name, text);
}

bool add_bin_decoded(Fields& to, std::string_view name, std::string_view text) {
  for (;;) {
    const auto comma = text.find(',');
    std::string bytes;
    if (!base64_decode(trim(text.substr(0, comma)), bytes)) return false;
    to.add(name, bytes);
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

Result<void> Base64StreamDecoder::write(std::string_view text, std::string& out) {
  for (const char c : text) {
    group_[have_++] = c;
    if (have_ < group_.size()) continue;
    have_ = 0;
    const std::size_t digits = digits_in(group_.data());
    if (digits == 0 || !decode_group(group_.data(), digits, out)) return invalid("the body is not base64");
  }
  return {};
}

}  // namespace parley::wire
