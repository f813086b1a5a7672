// Base64 (RFC 4648). On the way in either alphabet, padded or not; bits after the last whole byte are ignored.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace parley {

enum class Base64 { standard, url };  // RFC 4648 sections 4 and 5

// Append to `out`.
void base64_encode(std::string_view bytes, std::string& out, Base64 alphabet = Base64::standard, bool padded = true);
// False (and `out` as it was): a character of neither alphabet, wrong padding, a single character left over.
[[nodiscard]] bool base64_decode(std::string_view text, std::string& out);

// The same into memory of the caller's.
inline std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }
// Writes base64_size(bytes.size()) characters of the standard alphabet, padded; returns what follows them.
char* put_base64(char* to, std::string_view bytes);
// At most this many bytes come out of so much text.
inline std::size_t base64_decoded_size(std::size_t text) { return text / 4 * 3 + 3; }
// Returns what follows the decoded bytes, or null where base64_decode is false. `to` may be `text` itself.
char* get_base64(char* to, std::string_view text);

}  // namespace parley
