// JSON strings: writing them with the escapes they need, and undoing escapes.
#pragma once

#include <string>
#include <string_view>

#include "contract/out_buffer.h"

namespace parley::contract {

// Appends `text` in quotes. False if it is not UTF-8; nothing is appended then.
bool put_json_string(OutBuffer& out, std::string_view text);
// The same for tables and messages; bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);
void append_json_base64(std::string& out, std::string_view bytes);

// `text` is what stands between the quotes, free of control characters. Writes at most text.size() bytes; returns what
// follows them, or null for an unknown escape or a surrogate without its partner; `bad` is then where it stands.
char* unescape_json(char* to, std::string_view text, const char*& bad);

}  // namespace parley::contract
