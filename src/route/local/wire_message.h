// WireMessage: how a handler's request and reply types become wire bytes. Classes that protoc generates fit as they
// are; a type of one's own has
//
//   static Result<T> from_wire(std::string_view wire);
//   std::string to_wire() const;
//
// WireWriter and WireFields make those short. Or its namespace has functions for it: queue/api/wire.h.
//
//   Result<void> read_wire(std::string_view wire, T& message, const Bytes* owner);
//   std::string to_wire(const T& message);
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace parley::route {

template <class T>
concept GeneratedMessage = requires(T message, std::string text) {
  { message.ParseFromString(text) } -> std::convertible_to<bool>;
  { message.SerializeAsString() } -> std::convertible_to<std::string>;
};

template <class T>
concept WiredFromOutside = requires(T message) {
  { to_wire(message) } -> std::same_as<std::string>;
};

// Errors: invalid_argument, the caller's fault.
template <class T>
Result<T> message_from_wire(const Bytes& wire) {
  if constexpr (GeneratedMessage<T>) {
    T message;
    if (!message.ParseFromString(std::string(wire.view()))) return invalid("the request is not a message of its type");
    return message;
  } else if constexpr (WiredFromOutside<T>) {
    T message;
    if (auto read = read_wire(wire.view(), message, &wire); !read) return fail(std::move(read).error());
    return message;
  } else {
    return T::from_wire(wire.view());
  }
}

template <class T>
std::string message_to_wire(const T& message) {
  if constexpr (GeneratedMessage<T>) {
    return message.SerializeAsString();
  } else if constexpr (WiredFromOutside<T>) {
    return to_wire(message);
  } else {
    return message.to_wire();
  }
}

// Appends records to a message. Zeroes and empty texts are left out, as proto3 does.
class WireWriter {
 public:
  WireWriter& number(std::uint32_t field, std::uint64_t value);
  WireWriter& text(std::uint32_t field, std::string_view value);
  // A sub-message, or an element of a repeated field: there even if it is empty.
  WireWriter& part(std::uint32_t field, std::string_view wire);
  std::string take() { return std::move(wire_); }

 private:
  void varint(std::uint64_t value);
  std::string wire_;
};

// The records of a message, one after the other.
class WireFields {
 public:
  explicit WireFields(std::string_view wire) : at_(wire.data()), end_(wire.data() + wire.size()) {}

  struct Record {
    std::uint32_t field = 0;
    std::uint64_t number = 0;  // of a varint
    std::string_view text;     // of what has a length
    bool is_text = false;
  };
  // The next record that is a varint or has a length (others are skipped); nothing at the end. Errors:
  // invalid_argument.
  Result<std::optional<Record>> next();

 private:
  const char* at_;
  const char* end_;
};

}  // namespace parley::route
