#include "contract/retry_info.h"

#include "contract/wire_format.h"
#include "contract/wire_records.h"

namespace parley::contract {
namespace {

constexpr std::string_view type_name = "google.rpc.RetryInfo";
constexpr std::uint32_t delay_number = 1;  // of RetryInfo
// Of google.protobuf.Duration: both are varints.
constexpr std::uint32_t seconds_tag = 0x08;
constexpr std::uint32_t nanos_tag = 0x10;
constexpr std::int64_t nanos_a_second = 1'000'000'000;

// The last value of a varint field; 0 where there is none. False if the message is malformed.
bool read_number(std::string_view wire, std::uint32_t wanted, std::uint64_t& value) {
  const char* at = wire.data();
  const char* const end = at + wire.size();
  while (at != nullptr && at != end) {
    std::uint32_t tag = 0;
    at = read_tag(at, end, tag);
    if (at == nullptr) return false;
    at = tag == wanted ? read_varint(at, end, value) : skip_record(at, end, tag, 10);
  }
  return at != nullptr;
}

std::optional<Duration> duration_of(std::string_view wire) {
  std::uint64_t seconds = 0;
  std::uint64_t nanos = 0;
  if (!read_number(wire, seconds_tag, seconds) || !read_number(wire, nanos_tag, nanos)) return std::nullopt;
  const auto whole = static_cast<std::int64_t>(seconds);
  const auto rest = static_cast<std::int32_t>(nanos);
  if (whole < 0 || rest < 0 || rest >= nanos_a_second) return std::nullopt;
  if (whole >= Duration::max().count() / nanos_a_second) return Duration::max();
  return Duration(std::chrono::seconds(whole)) + std::chrono::nanoseconds(rest);
}

void put_number(std::string& out, std::uint32_t tag, std::int64_t value) {
  if (value == 0) return;
  out += static_cast<char>(tag);
  char text[max_varint_size];
  out.append(text, put_varint(text, static_cast<std::uint64_t>(value)));
}

}  // namespace

std::optional<Duration> retry_delay(const Error& error) {
  for (const ErrorDetail& detail : error.details()) {
    if (detail.type != type_name) continue;
    std::optional<Duration> delay;
    WireRecords info(detail.value);
    while (info.next()) {
      if (info.number == delay_number) delay = duration_of(info.content);
    }
    return info.is_fine() ? delay : std::nullopt;
  }
  return std::nullopt;
}

ErrorDetail retry_info(Duration delay) {
  const std::int64_t nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(delay).count();
  std::string duration;
  put_number(duration, seconds_tag, nanos / nanos_a_second);
  put_number(duration, nanos_tag, nanos % nanos_a_second);
  ErrorDetail detail{.type = std::string(type_name), .value = {}};
  append_record(detail.value, delay_number, duration);
  return detail;
}

}  // namespace parley::contract
