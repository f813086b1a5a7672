// How the messages of parley/queues.proto and topics.proto become wire bytes: a struct names its fields once, in
//
//   template <class Self, class Visit> static void each(Self& self, Visit visit) { visit(1, self.queue); … }
//
// and both directions come from that. Fields that are zero, empty or not set are left out; unknown ones are skipped.
// Generated classes would cost each file that includes them more to compile than all of this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/deadline.h"
#include "base/error.h"
#include "base/fields.h"
#include "base/wall_time.h"
#include "contract/wire_format.h"

namespace parley::queue::api {

// A message of a type that is no struct of ours, as wire bytes: google.protobuf.Value.
struct Raw {
  std::string wire;
  bool operator==(const Raw&) const = default;
};

template <class T>
std::string to_wire(const T& message);
// Behind what `out` holds.
template <class T>
void append_wire(std::string& out, const T& message);
// Errors: invalid_argument. `read_wire` merges into what `message` holds, as a Protobuf parser does. Fields that are
// `Bytes` share the storage of `owner`, which `wire` is a part of, or without one are copies.
template <class T>
Result<T> from_wire(std::string_view wire);
template <class T>
Result<void> read_wire(std::string_view wire, T& message, const Bytes* owner = nullptr);

namespace detail {

inline constexpr std::size_t room_kept = 64 << 10;  // of to_wire, between two messages

void put_number(std::string& out, std::uint32_t field, std::uint64_t value);
void put_text(std::string& out, std::uint32_t field, std::string_view content);
// google.protobuf.Timestamp and Duration: seconds and nanoseconds.
std::string seconds_and_nanos(std::int64_t seconds, std::int32_t nanos);
std::string timestamp(WallTime time);
std::string duration(Duration duration);
WallTime read_timestamp(std::string_view wire);
Duration read_duration(std::string_view wire);
std::string map_entry(std::string_view name, std::string_view value);

template <class T>
concept Struct = requires(T& self) { T::each(self, [](std::uint32_t, auto&) {}); };

template <class T>
concept Number = std::is_integral_v<T> || std::is_enum_v<T>;

template <Number T>
void put(std::string& out, std::uint32_t field, const T& value) {
  // A negative int32 has ten bytes, as Protobuf has it.
  const auto wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  if (wide != 0) put_number(out, field, wide);
}
inline void put(std::string& out, std::uint32_t field, const std::string& value) {
  if (!value.empty()) put_text(out, field, value);
}
inline void put(std::string& out, std::uint32_t field, const Bytes& value) {
  if (!value.empty()) put_text(out, field, value.view());
}
inline void put(std::string& out, std::uint32_t field, const Raw& value) {
  if (!value.wire.empty()) put_text(out, field, value.wire);
}
inline void put(std::string& out, std::uint32_t field, const WallTime& value) {
  if (value != WallTime()) put_text(out, field, timestamp(value));
}
inline void put(std::string& out, std::uint32_t field, const Duration& value) {
  if (value != Duration::zero()) put_text(out, field, duration(value));
}
void put(std::string& out, std::uint32_t field, const Fields& map);  // map<string, string>
// A record whose content follows in `out`, and whose length is known at its end. The first returns where the length
// goes, the second the length.
std::size_t begin_part(std::string& out, std::uint32_t field);
std::size_t end_part(std::string& out, std::size_t at);
// Even if it is empty. Returns the content's length.
template <Struct T>
std::size_t put_part(std::string& out, std::uint32_t field, const T& value);
template <Struct T>
void put(std::string& out, std::uint32_t field, const T& value) {
  const std::size_t before = out.size();
  if (put_part(out, field, value) == 0) out.resize(before);
}
// Set is set, whatever the value.
template <class T>
void put(std::string& out, std::uint32_t field, const std::optional<T>& value) {
  if (!value) return;
  if constexpr (Number<T>) {
    put_number(out, field, static_cast<std::uint64_t>(static_cast<std::int64_t>(*value)));
  } else if constexpr (std::is_same_v<T, WallTime>) {
    put_text(out, field, timestamp(*value));
  } else if constexpr (std::is_same_v<T, Duration>) {
    put_text(out, field, duration(*value));
  } else {
    put_part(out, field, *value);
  }
}
template <class T>
void put(std::string& out, std::uint32_t field, const std::vector<T>& values) {
  for (const T& value : values) {
    if constexpr (Struct<T>) {
      put_part(out, field, value);
    } else if constexpr (std::is_same_v<T, Raw>) {
      put_text(out, field, value.wire);
    } else {
      put_text(out, field, value);
    }
  }
}

template <Struct T>
std::size_t put_part(std::string& out, std::uint32_t field, const T& value) {
  const std::size_t at = begin_part(out, field);
  T::each(value, [&](std::uint32_t number, const auto& each) { put(out, number, each); });
  return end_part(out, at);
}

// One record of a message.
struct Record {
  std::uint32_t field = 0;
  bool is_text = false;
  std::uint64_t number = 0;
  std::string_view text;
  const Bytes* owner = nullptr;  // of `text`, if anybody is
};
// The next varint or record with a length, from `at` on; nothing at the end.
Result<std::optional<Record>> next_record(const char*& at, const char* end);

template <Number T>
Result<void> take(const Record& record, T& value) {
  if (!record.is_text) value = static_cast<T>(record.number);
  return {};
}
inline Result<void> take(const Record& record, std::string& value) {
  if (record.is_text) value = record.text;
  return {};
}
inline Result<void> take(const Record& record, Bytes& value) {
  if (!record.is_text) return {};
  value = record.owner == nullptr
              ? Bytes::copy_of(record.text)
              : record.owner->slice(static_cast<std::size_t>(record.text.data() - record.owner->data()),
                                    record.text.size());
  return {};
}
inline Result<void> take(const Record& record, Raw& value) {
  if (record.is_text) value.wire.append(record.text);  // parts of one message merge
  return {};
}
inline Result<void> take(const Record& record, WallTime& value) {
  if (record.is_text) value = read_timestamp(record.text);
  return {};
}
inline Result<void> take(const Record& record, Duration& value) {
  if (record.is_text) value = read_duration(record.text);
  return {};
}
Result<void> take(const Record& record, Fields& map);
template <Struct T>
Result<void> take(const Record& record, T& value) {
  if (!record.is_text) return {};
  return read_wire(record.text, value, record.owner);
}
template <class T>
Result<void> take(const Record& record, std::optional<T>& value) {
  if (!value) value.emplace();
  return take(record, *value);
}
template <class T>
Result<void> take(const Record& record, std::vector<T>& values) {
  return record.is_text ? take(record, values.emplace_back()) : Result<void>();
}

}  // namespace detail

template <class T>
void append_wire(std::string& out, const T& message) {
  T::each(message, [&](std::uint32_t field, const auto& value) { detail::put(out, field, value); });
}

template <class T>
std::string to_wire(const T& message) {
  thread_local std::string room;  // grown once, so that what is returned is one allocation
  room.clear();
  append_wire(room, message);
  std::string out(room);
  if (room.capacity() > detail::room_kept) std::string().swap(room);
  return out;
}

template <class T>
Result<void> read_wire(std::string_view wire, T& message, const Bytes* owner) {
  const char* at = wire.data();
  const char* const end = at + wire.size();
  for (;;) {
    auto record = detail::next_record(at, end);
    if (!record) return fail(std::move(record).error());
    if (!*record) return {};
    (*record)->owner = owner;
    Result<void> taken;
    T::each(message, [&](std::uint32_t field, auto& value) {
      if (field == (*record)->field) taken = detail::take(**record, value);
    });
    if (!taken) return taken;
  }
}

template <class T>
Result<T> from_wire(std::string_view wire) {
  T message;
  if (auto read = read_wire(wire, message); !read) return fail(std::move(read).error());
  return message;
}

}  // namespace parley::queue::api
