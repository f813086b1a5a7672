#include "edge/graphql/join_key.h"

#include <algorithm>
#include <cstring>

#include "contract/wire_format.h"

namespace parley::edge::graphql {
namespace {

using contract::Kind;
using contract::WireType;

bool is_signed_32(Kind kind) { return kind == Kind::int32 || kind == Kind::sfixed32 || kind == Kind::enumeration; }

}  // namespace

bool JoinKey::read(const contract::FieldTable& field, std::string_view value) {
  number_ = field.kind != Kind::string && field.kind != Kind::bytes;
  text_ = value;
  if (!number_) return !value.empty();
  std::uint64_t bits = 0;
  switch (contract::wire_type(field.kind)) {
    case WireType::varint:
      if (contract::read_varint(value.data(), value.data() + value.size(), bits) == nullptr) return false;
      break;
    case WireType::fixed32:
    case WireType::fixed64:
      if (value.size() > sizeof bits) return false;
      std::memcpy(&bits, value.data(), value.size());
      break;
    default: return false;
  }
  if (field.kind == Kind::sint32 || field.kind == Kind::sint64)
    bits = static_cast<std::uint64_t>(contract::unzigzag(bits));
  if (is_signed_32(field.kind)) bits = static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(bits)});
  if (field.kind == Kind::uint32) bits = static_cast<std::uint32_t>(bits);
  std::memcpy(bytes_.data(), &bits, sizeof bits);
  return bits != 0;
}

void put_key(const contract::FieldTable& field, std::string_view key, std::string& wire) {
  char bytes[2 * contract::max_varint_size];
  char* to = contract::put_varint(bytes, field.tag());
  std::uint64_t bits = 0;
  switch (contract::wire_type(field.kind)) {
    case WireType::length:
      to = contract::put_varint(to, key.size());
      wire.append(bytes, to);
      wire += key;
      return;
    case WireType::fixed32: wire.append(bytes, to).append(key.substr(0, sizeof(std::uint32_t))); return;
    case WireType::fixed64: wire.append(bytes, to).append(key); return;
    default: break;
  }
  std::memcpy(&bits, key.data(), std::min(key.size(), sizeof bits));
  if (field.kind == Kind::sint32 || field.kind == Kind::sint64)
    bits = contract::zigzag(static_cast<std::int64_t>(bits));
  to = contract::put_varint(to, bits);
  wire.append(bytes, to);
}

}  // namespace parley::edge::graphql
