#include "route/local/wire_message.h"

#include <array>

#include "contract/wire_format.h"

namespace parley::route {
namespace {

constexpr int max_depth = 100;

std::uint32_t tag(std::uint32_t field, contract::WireType type) {
  return field << 3U | static_cast<std::uint32_t>(type);
}

}  // namespace

void WireWriter::varint(std::uint64_t value) {
  std::array<char, contract::max_varint_size> room;
  wire_.append(room.data(), contract::put_varint(room.data(), value));
}

WireWriter& WireWriter::number(std::uint32_t field, std::uint64_t value) {
  if (value == 0) return *this;
  varint(tag(field, contract::WireType::varint));
  varint(value);
  return *this;
}

WireWriter& WireWriter::text(std::uint32_t field, std::string_view value) {
  return value.empty() ? *this : part(field, value);
}

WireWriter& WireWriter::part(std::uint32_t field, std::string_view wire) {
  varint(tag(field, contract::WireType::length));
  varint(wire.size());
  wire_.append(wire);
  return *this;
}

Result<std::optional<WireFields::Record>> WireFields::next() {
  const auto malformed = [] { return invalid("the request is not well-formed Protobuf"); };
  while (at_ != end_) {
    std::uint32_t tag = 0;
    at_ = contract::read_tag(at_, end_, tag);
    if (at_ == nullptr) return malformed();
    Record record{.field = tag >> 3U, .number = 0, .text = {}, .is_text = false};
    switch (static_cast<contract::WireType>(tag & 7U)) {
      case contract::WireType::varint:
        at_ = contract::read_varint(at_, end_, record.number);
        if (at_ == nullptr) return malformed();
        return record;
      case contract::WireType::length: {
        std::size_t size = 0;
        at_ = contract::read_length(at_, end_, size);
        if (at_ == nullptr) return malformed();
        record.text = {at_, size};
        record.is_text = true;
        at_ += size;
        return record;
      }
      default:
        at_ = contract::skip_record(at_, end_, tag, max_depth);
        if (at_ == nullptr) return malformed();
    }
  }
  return std::nullopt;
}

}  // namespace parley::route
