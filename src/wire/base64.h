// Base64 as the rpc protocols carry it: `-bin` metadata and grpc-web-text bodies.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/error.h"
#include "base/fields.h"

namespace parley::wire {

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
