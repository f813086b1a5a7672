#include "queue/kafka/position.h"

#include <charconv>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/text.h"
#include "contract/wire_format.h"

namespace parley::queue::kafka {
namespace {

constexpr std::size_t longest_position = 128;

std::unexpected<Error> malformed(std::string_view position) {
  return fail(Error(Code::invalid_argument, Blame::caller, fmt::format("\"{}\" is no position of Kafka's", position))
                  .with_reason("malformed_position"));
}

template <class Number>
bool parse_number(std::string_view text, Number& into) {
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), into);
  return wrong == std::errc() && end == text.data() + text.size() && into >= 0;
}

// For each partition from 0 on, the next offset plus one; zero for one that was not read.
std::string packed(const Places& next) {
  std::string bytes;
  std::int32_t partition = 0;
  char buffer[contract::max_varint_size];
  for (const auto& [number, offset] : next) {
    for (; partition < number; ++partition) bytes += '\0';
    bytes.append(buffer, contract::put_varint(buffer, static_cast<std::uint64_t>(offset) + 1));
    ++partition;
  }
  std::string out = "~";
  base64_encode(bytes, out, Base64::url, false);
  return out;
}

Result<Places> unpack(std::string_view position) {
  std::string bytes;
  if (!base64_decode(position.substr(1), bytes)) return malformed(position);
  Places places;
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  for (std::int32_t partition = 0; at != end; ++partition) {
    std::uint64_t value = 0;
    at = contract::read_varint(at, end, value);
    if (at == nullptr) return malformed(position);
    if (value > 0) places[partition] = static_cast<std::int64_t>(value - 1);
  }
  return places;
}

}  // namespace

Position to_position(const Place& place) {
  return fmt::format("{}{}:{}", place.in_retry ? "r" : "", place.partition, place.offset);
}

Result<Place> parse_place(std::string_view position) {
  Place place;
  std::string_view rest = position;
  place.in_retry = rest.starts_with('r');
  if (place.in_retry) rest.remove_prefix(1);
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos || !parse_number(rest.substr(0, colon), place.partition) ||
      !parse_number(rest.substr(colon + 1), place.offset)) {
    return malformed(position);
  }
  return place;
}

Result<Position> to_position(const Places& next) {
  Position text;
  for (const auto& [partition, offset] : next) {
    if (offset > 0) text += fmt::format("{}{}:{}", text.empty() ? "" : ",", partition, offset - 1);
  }
  if (text.size() > longest_position) text = packed(next);
  if (text.size() > longest_position) {
    return fail(Error(Code::unimplemented, Blame::caller,
                      fmt::format("a position cannot hold the offsets of {} partitions", next.size()))
                    .with_reason("not_by_this_backend"));
  }
  return text;
}

Result<Places> parse_places(std::string_view position) {
  if (position.starts_with('~')) return unpack(position);
  Places places;
  if (position.empty()) return places;
  for (const std::string_view part : split(position, ',')) {
    auto place = parse_place(part);
    if (!place || place->in_retry) return malformed(position);
    places[place->partition] = place->offset + 1;
  }
  return places;
}

}  // namespace parley::queue::kafka
