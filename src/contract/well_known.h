// The text forms of the well-known types that are strings in JSON (ProtoJSON: Timestamp, Duration, FieldMask).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace parley::contract {

struct SecondsNanos {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
};

// Each `get` returns "" or what is wrong. Each `put` writes at most max_time_size characters, without quotes, and
// returns what follows them, or null if the value is out of the type's range.
inline constexpr std::size_t max_time_size = 40;

// RFC 3339 with an upper-case T, and Z or an offset; years 1 to 9999; at most nine digits of a second. Written in UTC
// with 0, 3, 6 or 9 digits.
std::string get_timestamp(std::string_view text, SecondsNanos& value);
char* put_timestamp(char* to, SecondsNanos value);

// Seconds with at most nine digits after the point and "s"; up to 315,576,000,000 s (10,000 years) either way.
std::string get_duration(std::string_view text, SecondsNanos& value);
char* put_duration(char* to, SecondsNanos value);

// One path of a FieldMask: "userName.id" and "user_name.id". False if it does not come back as it was (`user__name`,
// `user_3`, `userName` as a proto name; an underscore in the JSON form).
bool path_from_json(std::string_view json, std::string& path);
bool path_to_json(std::string_view path, std::string& json);

}  // namespace parley::contract
