// Base64 (RFC 4648) as the rpc protocols use it: `-bin` metadata, Connect's GET and error details, grpc-web-text
// bodies.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fields.h"

namespace parley::wire {

enum class Base64 { standard, url };  // RFC 4648 sections 4 and 5

// Append to `out`.
void base64_encode(std::string_view bytes, std::string& out, Base64 alphabet = Base64::standard, bool padded = true);
// Takes either alphabet, padded or not. False (and `out` as it was): another character, wrong padding, a single
// character left over. Bits after the last whole byte are ignored.
[[nodiscard]] bool base64_decode(std::string_view text, std::string& out);

// Metadata of a `-bin` name, on the wire and in a call (where it is raw bytes). Unpadded on the way out. On the way in
// a value may be a comma list (fields of one name, joined by a proxy): each item becomes a field of its own. False if
// an item is not Base64.
void add_bin_encoded(Fields& to, std::string_view name, std::string_view bytes);
[[nodiscard]] bool add_bin_decoded(Fields& to, std::string_view name, std::string_view text);
inline bool is_bin(std::string_view name) { return name.ends_with("-bin"); }

// A grpc-web-text body in any chunking: groups of four characters, where padding may also stand between two parts that
// were encoded on their own.
class Base64StreamDecoder {
 public:
  // Appends to `out`. Errors: invalid_argument.
  Result<void> write(std::string_view text, std::string& out);
  // True if no characters of an unfinished group are left.
  bool is_complete() const { return have_ == 0; }

 private:
  std::array<char, 4> group_{};
  std::size_t have_ = 0;
};

}  // namespace parley::wire
