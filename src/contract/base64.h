// Base64 (RFC 4648): the standard alphabet with padding on the way out; either alphabet, padded or not, on the way in.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace parley::contract {

inline std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }
// Writes base64_size(bytes.size()) characters; returns what follows them.
char* put_base64(char* to, std::string_view bytes);

// At most this many bytes come out of so much text.
inline std::size_t base64_decoded_size(std::size_t text) { return text / 4 * 3 + 3; }
// Returns what follows the decoded bytes, or null: a character of neither alphabet, wrong padding, a single character
// left over. `to` may be `text` itself.
char* get_base64(char* to, std::string_view text);

}  // namespace parley::contract
