// What the parts of HTTP/1.1 share: characters, lists and the fields that frame a message. For http1*.cc only.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/http1.h"

namespace parley::wire::http1 {

// Characters by what they may be in (RFC 9110 section 5.6.2, RFC 9112 section 3.2).
enum Class : std::uint8_t { token = 1, upper = 2, value = 4, target = 8 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const auto i = static_cast<std::size_t>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (letter || digit) classes[i] |= token;
    if (c >= 'A' && c <= 'Z') classes[i] |= upper;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes[i] |= value;
    if (c > 0x20 && c < 0x7f) classes[i] |= target;
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) classes[static_cast<std::size_t>(c)] |= token;
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> classes = make_classes();

inline bool all(std::string_view text, Class wanted) {
  std::uint8_t both = wanted;
  for (const char c : text) both &= classes[static_cast<unsigned char>(c)];
  return both != 0;
}

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// `lowered` is in lower case.
inline bool same(std::string_view text, std::string_view lowered) {
  return text.size() == lowered.size() &&
         std::equal(text.begin(), text.end(), lowered.begin(), [](char a, char b) { return lower(a) == b; });
}

inline std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `each` with the trimmed, non-empty elements of a comma list.
template <class Each>
void for_each_element(std::string_view list, Each each) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    if (!element.empty()) each(element);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

// The fields that a head's parser looks at; all others pass on.
enum class Known : std::uint8_t {
  other,
  connection,
  keep_alive,
  proxy_connection,
  te,
  transfer_encoding,
  upgrade,
  host,
  expect,
  content_length
};

inline Known known(std::string_view name) {
  switch (name.size()) {
    case 2: return same(name, "te") ? Known::te : Known::other;
    case 4: return same(name, "host") ? Known::host : Known::other;
    case 6: return same(name, "expect") ? Known::expect : Known::other;
    case 7: return same(name, "upgrade") ? Known::upgrade : Known::other;
    case 10:
      if (same(name, "connection")) return Known::connection;
      return same(name, "keep-alive") ? Known::keep_alive : Known::other;
    case 14: return same(name, "content-length") ? Known::content_length : Known::other;
    case 16: return same(name, "proxy-connection") ? Known::proxy_connection : Known::other;
    case 17: return same(name, "transfer-encoding") ? Known::transfer_encoding : Known::other;
    default: return Known::other;
  }
}

inline constexpr std::size_t line_overhead = 64;  // of a request line beside its target: method, version, blanks

inline constexpr Http1Error fields_too_large{431, "the header fields are too large"};
inline std::optional<Http1Error> bad(int status, std::string_view text) { return Http1Error{status, text}; }

}  // namespace parley::wire::http1
