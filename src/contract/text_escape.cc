#include "contract/text_escape.h"

#include <array>
#include <cstdint>

#include "base/base64.h"
#include "contract/text_scan.h"

namespace parley::contract {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

// What follows the backslash on the way out: 0 for none, 'u' for \u00XX.
constexpr auto escapes = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}();

char* put_escape(char* to, unsigned char c) {
  *to++ = '\\';
  *to++ = escapes[c];
  if (escapes[c] != 'u') return to;
  *to++ = '0';
  *to++ = '0';
  *to++ = hex_digits[c >> 4U];
  *to++ = hex_digits[c & 15U];
  return to;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The four digits after `\u`, or -1.
std::int32_t unit_at(std::string_view digits) {
  if (digits.size() < 4) return -1;
  std::int32_t unit = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const int value = hex_value(digits[i]);
    if (value < 0) return -1;
    unit = unit * 16 + value;
  }
  return unit;
}

char* put_code_point(char* to, std::uint32_t point) {
  const auto tail = [](std::uint32_t bits) { return static_cast<char>(0x80U | (bits & 0x3fU)); };
  if (point < 0x80) {
    *to++ = static_cast<char>(point);
  } else if (point < 0x800) {
    *to++ = static_cast<char>(0xc0U | point >> 6U);
    *to++ = tail(point);
  } else if (point < 0x10000) {
    *to++ = static_cast<char>(0xe0U | point >> 12U);
    *to++ = tail(point >> 6U);
    *to++ = tail(point);
  } else {
    *to++ = static_cast<char>(0xf0U | point >> 18U);
    *to++ = tail(point >> 12U);
    *to++ = tail(point >> 6U);
    *to++ = tail(point);
  }
  return to;
}

// `text` begins after `\u`. Returns how much of it was used, 0 for a malformed or unpaired unit.
std::size_t unescape_unit(char*& to, std::string_view text) {
  const std::int32_t unit = unit_at(text);
  if (unit < 0 || (unit >= 0xdc00 && unit < 0xe000)) return 0;
  if (unit < 0xd800 || unit >= 0xe000) {
    to = put_code_point(to, static_cast<std::uint32_t>(unit));
    return 4;
  }
  if (!text.substr(4).starts_with("\\u")) return 0;
  const std::int32_t low = unit_at(text.substr(6));
  if (low < 0xdc00 || low >= 0xe000) return 0;
  to = put_code_point(
      to, 0x10000U + (static_cast<std::uint32_t>(unit - 0xd800) << 10U) + static_cast<std::uint32_t>(low - 0xdc00));
  return 10;
}

char simple_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

std::string replace_bad_utf8(std::string_view text) {
  std::string good;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t size = 1;
    while (size <= 4 && i + size <= text.size() && !is_utf8(text.substr(i, size))) ++size;
    if (size <= 4 && i + size <= text.size()) {
      good += text.substr(i, size);
      i += size;
    } else {
      good += "\xef\xbf\xbd";
      ++i;
    }
  }
  return good;
}

}  // namespace

bool put_json_string(OutBuffer& out, std::string_view text) {
  const char* from = text.data();
  const char* const end = from + text.size();
  bool high = false;
  const std::size_t start = out.size();
  char* to = out.need(text.size() + 2);
  *to++ = '"';
  for (;;) {
    const char* stop = scan_plain(from, end, high);
    if (stop != from) std::memcpy(to, from, static_cast<std::size_t>(stop - from));
    to += stop - from;
    if (stop == end) break;
    out.advance(to);
    to = out.need(static_cast<std::size_t>(end - stop) + 8);
    to = put_escape(to, static_cast<unsigned char>(*stop));
    from = stop + 1;
  }
  *to++ = '"';
  out.advance(to);
  if (!high || is_utf8(text)) return true;
  out.cut(start);
  return false;
}

void append_json_string(std::string& out, std::string_view text) {
  OutBuffer buffer(out);
  if (!put_json_string(buffer, text)) put_json_string(buffer, replace_bad_utf8(text));
  buffer.finish();
}

void append_json_base64(std::string& out, std::string_view bytes) {
  out += '"';
  const std::size_t from = out.size();
  out.resize(from + base64_size(bytes.size()));
  put_base64(out.data() + from, bytes);
  out += '"';
}

char* unescape_json(char* to, std::string_view text, const char*& bad) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t backslash = std::min(text.find('\\', i), text.size());
    std::memmove(to, text.data() + i, backslash - i);
    to += backslash - i;
    i = backslash;
    if (i == text.size()) break;
    bad = text.data() + i;
    if (i + 1 == text.size()) return nullptr;
    const char kind = text[i + 1];
    i += 2;
    if (kind == 'u') {
      const std::size_t used = unescape_unit(to, text.substr(i));
      if (used == 0) return nullptr;
      i += used;
    } else {
      const char plain = simple_escape(kind);
      if (plain == 0) return nullptr;
      *to++ = plain;
    }
  }
  return to;
}

}  // namespace parley::contract
