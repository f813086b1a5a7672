#include "queue/api/wire.h"

#include <algorithm>

namespace parley::queue::api::detail {
namespace {

constexpr int max_depth = 100;

void put_varint(std::string& out, std::uint64_t value) {
  char room[contract::max_varint_size];
  out.append(room, contract::put_varint(room, value));
}

Error malformed() {
  return Error(Code::invalid_argument, Blame::caller, "the request is not well-formed Protobuf")
      .with_reason("malformed_message");
}

struct SecondsAndNanos {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
};
SecondsAndNanos read_seconds_and_nanos(std::string_view wire) {
  SecondsAndNanos out;
  const char* at = wire.data();
  const char* const end = at + wire.size();
  for (;;) {
    const auto record = next_record(at, end);
    if (!record || !*record) return out;
    if ((*record)->is_text) continue;
    if ((*record)->field == 1) out.seconds = static_cast<std::int64_t>((*record)->number);
    if ((*record)->field == 2) out.nanos = static_cast<std::int32_t>((*record)->number);
  }
}

// google/protobuf/timestamp.proto: years 1 to 9999. What lies beyond would overflow a clock.
constexpr std::int64_t min_seconds = -62'135'596'800;
constexpr std::int64_t max_seconds = 253'402'300'799;

std::int64_t clamped(std::int64_t seconds, std::int64_t most) { return std::max(-most, std::min(seconds, most)); }

}  // namespace

void put_number(std::string& out, std::uint32_t field, std::uint64_t value) {
  put_varint(out, std::uint64_t{field} << 3U | static_cast<std::uint32_t>(contract::WireType::varint));
  put_varint(out, value);
}

void put_text(std::string& out, std::uint32_t field, std::string_view content) {
  put_varint(out, std::uint64_t{field} << 3U | static_cast<std::uint32_t>(contract::WireType::length));
  put_varint(out, content.size());
  out.append(content);
}

std::size_t begin_part(std::string& out, std::uint32_t field) {
  put_varint(out, std::uint64_t{field} << 3U | static_cast<std::uint32_t>(contract::WireType::length));
  out += '\0';  // most are short: the length has one byte
  return out.size() - 1;
}

std::size_t end_part(std::string& out, std::size_t at) {
  const std::size_t size = out.size() - at - 1;
  char length[contract::max_varint_size];
  const char* const end = contract::put_varint(length, size);
  out.replace(at, 1, length, static_cast<std::size_t>(end - length));
  return size;
}

std::string seconds_and_nanos(std::int64_t seconds, std::int32_t nanos) {
  std::string out;
  put(out, 1, seconds);
  put(out, 2, nanos);
  return out;
}

std::string timestamp(WallTime time) {
  time = std::clamp(time, WallTime(std::chrono::seconds(min_seconds)), WallTime(std::chrono::seconds(max_seconds)));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return seconds_and_nanos(seconds.time_since_epoch().count(),
                           static_cast<std::int32_t>(std::chrono::nanoseconds(time - seconds).count()));
}

std::string duration(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  return seconds_and_nanos(seconds.count(),
                           static_cast<std::int32_t>(std::chrono::nanoseconds(duration - seconds).count()));
}

WallTime read_timestamp(std::string_view wire) {
  const auto [seconds, nanos] = read_seconds_and_nanos(wire);
  return WallTime(std::chrono::milliseconds(clamped(seconds, max_seconds) * 1000 + nanos / 1'000'000));
}

Duration read_duration(std::string_view wire) {
  constexpr std::int64_t most = std::chrono::duration_cast<std::chrono::seconds>(Duration::max()).count() / 2;
  const auto [seconds, nanos] = read_seconds_and_nanos(wire);
  return std::chrono::seconds(clamped(seconds, most)) + std::chrono::nanoseconds(nanos);
}

std::string map_entry(std::string_view name, std::string_view value) {
  std::string out;
  if (!name.empty()) put_text(out, 1, name);
  if (!value.empty()) put_text(out, 2, value);
  return out;
}

void put(std::string& out, std::uint32_t field, const Fields& map) {
  for (const Field entry : map) put_text(out, field, map_entry(entry.name, entry.value));
}

Result<void> take(const Record& record, Fields& map) {
  if (!record.is_text) return {};
  std::string name;
  std::string value;
  const char* at = record.text.data();
  const char* const end = at + record.text.size();
  for (;;) {
    auto part = next_record(at, end);
    if (!part) return fail(std::move(part).error());
    if (!*part) break;
    if ((*part)->field == 1) name = (*part)->text;
    if ((*part)->field == 2) value = (*part)->text;
  }
  map.add(name, value);
  return {};
}

Result<std::optional<Record>> next_record(const char*& at, const char* end) {
  while (at != end) {
    std::uint32_t tag = 0;
    at = contract::read_tag(at, end, tag);
    if (at == nullptr) return fail(malformed());
    Record record{.field = tag >> 3U, .is_text = false, .number = 0, .text = {}};
    switch (static_cast<contract::WireType>(tag & 7U)) {
      case contract::WireType::varint:
        at = contract::read_varint(at, end, record.number);
        if (at == nullptr) return fail(malformed());
        return record;
      case contract::WireType::length: {
        std::size_t size = 0;
        at = contract::read_length(at, end, size);
        if (at == nullptr) return fail(malformed());
        record.text = {at, size};
        record.is_text = true;
        at += size;
        return record;
      }
      default:
        at = contract::skip_record(at, end, tag, max_depth);
        if (at == nullptr) return fail(malformed());
    }
  }
  return std::nullopt;
}

}  // namespace parley::queue::api::detail
