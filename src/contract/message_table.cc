#include "contract/message_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_set>
#include <utility>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "contract/name_hash.h"
#include "contract/number_text.h"
#include "contract/text_escape.h"
#include "contract/wire_format.h"

namespace parley::contract {

namespace pb = google::protobuf;

namespace {

constexpr std::size_t padding = 16;  // what OutBuffer::put_padded may read after a text

constexpr std::array<WireType, 18> wire_types = {
    WireType::varint,  WireType::varint,  WireType::varint,      WireType::varint,  WireType::varint,
    WireType::varint,  WireType::varint,  WireType::varint,      WireType::fixed32, WireType::fixed32,
    WireType::fixed32, WireType::fixed64, WireType::fixed64,     WireType::fixed64, WireType::length,
    WireType::length,  WireType::length,  WireType::group_start,
};

constexpr std::array<std::string_view, 18> kind_names = {
    "int32",    "int64", "uint32",  "uint64",   "sint32", "sint64", "bool",  "enum",    "fixed32",
    "sfixed32", "float", "fixed64", "sfixed64", "double", "string", "bytes", "message", "group",
};

Kind kind_of(pb::FieldDescriptor::Type type) {
  using F = pb::FieldDescriptor;
  switch (type) {
    case F::TYPE_DOUBLE: return Kind::float64;
    case F::TYPE_FLOAT: return Kind::float32;
    case F::TYPE_INT64: return Kind::int64;
    case F::TYPE_UINT64: return Kind::uint64;
    case F::TYPE_INT32: return Kind::int32;
    case F::TYPE_FIXED64: return Kind::fixed64;
    case F::TYPE_FIXED32: return Kind::fixed32;
    case F::TYPE_BOOL: return Kind::boolean;
    case F::TYPE_STRING: return Kind::string;
    case F::TYPE_GROUP: return Kind::group;
    case F::TYPE_MESSAGE: return Kind::message;
    case F::TYPE_BYTES: return Kind::bytes;
    case F::TYPE_UINT32: return Kind::uint32;
    case F::TYPE_ENUM: return Kind::enumeration;
    case F::TYPE_SFIXED32: return Kind::sfixed32;
    case F::TYPE_SFIXED64: return Kind::sfixed64;
    case F::TYPE_SINT32: return Kind::sint32;
    case F::TYPE_SINT64: return Kind::sint64;
  }
  std::unreachable();
}

WellKnown well_known_of(std::string_view full_name) {
  static constexpr std::pair<std::string_view, WellKnown> names[] = {
      {"google.protobuf.Any", WellKnown::any},
      {"google.protobuf.Timestamp", WellKnown::timestamp},
      {"google.protobuf.Duration", WellKnown::duration},
      {"google.protobuf.FieldMask", WellKnown::field_mask},
      {"google.protobuf.Struct", WellKnown::structure},
      {"google.protobuf.Value", WellKnown::value},
      {"google.protobuf.ListValue", WellKnown::list_value},
      {"google.protobuf.DoubleValue", WellKnown::wrapper},
      {"google.protobuf.FloatValue", WellKnown::wrapper},
      {"google.protobuf.Int64Value", WellKnown::wrapper},
      {"google.protobuf.UInt64Value", WellKnown::wrapper},
      {"google.protobuf.Int32Value", WellKnown::wrapper},
      {"google.protobuf.UInt32Value", WellKnown::wrapper},
      {"google.protobuf.BoolValue", WellKnown::wrapper},
      {"google.protobuf.StringValue", WellKnown::wrapper},
      {"google.protobuf.BytesValue", WellKnown::wrapper},
  };
  if (!full_name.starts_with("google.protobuf.")) return WellKnown::none;
  for (const auto& [known, kind] : names) {
    if (known == full_name) return kind;
  }
  return WellKnown::none;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

WireType wire_type(Kind kind) { return wire_types[static_cast<std::size_t>(kind)]; }
std::string_view name(Kind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

// ---- EnumTable

EnumTable::EnumTable(const pb::EnumDescriptor& descriptor)
    : full_name_(descriptor.full_name()),
      first_number_(descriptor.value(0)->number()),
      closed_(descriptor.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO2),
      null_value_(descriptor.full_name() == "google.protobuf.NullValue") {
  std::unordered_set<std::int32_t> numbers;
  for (int i = 0; i < descriptor.value_count(); ++i) {
    const pb::EnumValueDescriptor& value = *descriptor.value(i);
    names_.push_back(value.name());
    by_name_.emplace(names_.back(), value.number());
    const auto size = static_cast<std::uint32_t>(value.name().size() + 2);
    if (!numbers.insert(value.number()).second) continue;  // an alias: the first declared stays
    by_number_.push_back({value.number(), size, '"' + value.name() + '"' + std::string(padding, ' ')});
  }
  std::ranges::sort(by_number_, {}, [](const Value& v) { return v.number; });
  dense_from_ = by_number_.front().number;
  while (dense_size_ < by_number_.size() &&
         by_number_[dense_size_].number - std::int64_t{dense_from_} == std::int64_t{dense_size_}) {
    ++dense_size_;
  }
}

std::string_view EnumTable::quoted_name(std::int32_t number) const {
  const auto offset = static_cast<std::uint32_t>(number) - static_cast<std::uint32_t>(dense_from_);
  if (offset < dense_size_) return by_number_[offset].quoted();
  const auto at = std::ranges::lower_bound(by_number_, number, {}, [](const Value& v) { return v.number; });
  return at != by_number_.end() && at->number == number ? at->quoted() : std::string_view();
}

const std::int32_t* EnumTable::number(std::string_view value_name) const {
  const auto at = by_name_.find(value_name);
  return at == by_name_.end() ? nullptr : &at->second;
}

std::string EnumTable::some_names() const {
  constexpr std::size_t most = 8;
  std::string text;
  for (std::size_t i = 0; i < names_.size() && i < most; ++i) {
    if (i > 0) text += ", ";
    text += names_[i];
  }
  if (names_.size() > most) text += ", …";
  return text;
}

// ---- MessageTable

std::uint32_t FieldTable::tag() const { return number << 3U | static_cast<std::uint32_t>(wire_type(kind)); }

void MessageTable::index_name(std::string_view field_name, std::uint16_t field, bool json) {
  const std::uint32_t hash = name_hash(field_name);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at].field != 0; at = (at + 1) & mask) {
    const FieldTable& other = fields_[slots_[at].field - 1U];
    const std::string_view taken = slots_[at].json ? other.json_name : other.proto_name;
    if (taken == field_name) return;  // first come: proto2 lets JSON names clash
  }
  slots_[at] = {hash, static_cast<std::uint16_t>(field + 1), json};
}

const FieldTable* MessageTable::by_name(std::string_view field_name) const {
  const std::uint32_t hash = name_hash(field_name);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at].field != 0; at = (at + 1) & mask) {
    if (slots_[at].hash != hash) continue;
    const FieldTable& field = fields_[slots_[at].field - 1U];
    if ((slots_[at].json ? field.json_name : field.proto_name) == field_name) return &field;
  }
  return nullptr;
}

const FieldTable* MessageTable::by_large_number(std::uint32_t number) const {
  const auto at = std::ranges::lower_bound(large_, number, {}, [](const auto& entry) { return entry.first; });
  return at != large_.end() && at->first == number ? &fields_[at->second] : nullptr;
}

std::string_view MessageTable::nearest_name(std::string_view field_name) const {
  std::string_view best;
  std::size_t least = field_name.size() / 3 + 2;  // farther than this is no likeness
  for (const FieldTable& field : fields_) {
    const std::size_t longer = std::max(field_name.size(), field.json_name.size());
    if (longer - std::min(field_name.size(), field.json_name.size()) >= least) continue;
    const std::size_t distance = edit_distance(field_name.substr(0, 64), field.json_name.substr(0, 64));
    if (distance < least) {
      least = distance;
      best = field.json_name;
    }
  }
  return best;
}

// ---- building

struct TableBuilder {
  TableSet& set;
  const pb::DescriptorPool& pool;
  MessageTable& table;

  // Where a field's texts lie in MessageTable::text_; views are made once that does not grow any more.
  struct Texts {
    std::size_t json_key, proto_key, json_name, proto_name, default_json, end;
  };
  std::vector<Texts> texts;

  void build(const pb::Descriptor& descriptor) {
    std::vector<const pb::FieldDescriptor*> fields;
    for (int i = 0; i < descriptor.field_count(); ++i) fields.push_back(descriptor.field(i));
    if (descriptor.extension_range_count() > 0) pool.FindAllExtensions(&descriptor, &fields);
    table.oneof_count_ = static_cast<std::size_t>(descriptor.real_oneof_decl_count());
    if (descriptor.options().message_set_wire_format()) table.well_known_ = WellKnown::message_set;
    table.fields_.reserve(fields.size());
    for (const pb::FieldDescriptor* field : fields) add_field(*field);
    point_into_text();
    index_numbers();
    index_names();
  }

  void add_field(const pb::FieldDescriptor& descriptor) {
    FieldTable& field = table.fields_.emplace_back();
    field.index = static_cast<std::uint16_t>(table.fields_.size() - 1);
    field.owner = &table;
    field.number = static_cast<std::uint32_t>(descriptor.number());
    field.kind = kind_of(descriptor.type());
    field.repeated = descriptor.is_repeated();
    field.map = descriptor.is_map();
    field.packed = descriptor.is_packed();
    field.required = descriptor.is_required();
    field.has_presence = descriptor.has_presence();
    field.extension = descriptor.is_extension();
    field.validate_utf8 =
        field.kind == Kind::string && descriptor.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO3;
    table.has_required_ = table.has_required_ || field.required;
    if (const pb::OneofDescriptor* oneof = descriptor.real_containing_oneof()) {
      field.oneof = static_cast<std::uint16_t>(oneof->index() + 1);
    }
    if (descriptor.message_type() != nullptr) field.message = &set.slot(*descriptor.message_type());
    if (descriptor.enum_type() != nullptr) field.enumeration = &set.enum_table(*descriptor.enum_type());
    field.takes_null = (field.enumeration != nullptr && field.enumeration->is_null_value()) ||
                       (field.message != nullptr && field.message->well_known() == WellKnown::value);
    set_tag(field);
    add_texts(descriptor, field);
  }

  static void set_tag(FieldTable& field) {
    const WireType type = field.packed ? WireType::length : wire_type(field.kind);
    std::uint64_t tag = std::uint64_t{field.number} << 3U | static_cast<std::uint64_t>(type);
    char bytes[8] = {};
    field.tag_size = static_cast<std::uint8_t>(put_varint(bytes, tag) - bytes);
    std::memcpy(&field.tag_bytes, bytes, sizeof(bytes));
  }

  void add_texts(const pb::FieldDescriptor& descriptor, const FieldTable& field) {
    const std::string bracketed = "[" + descriptor.full_name() + "]";
    const std::string& json_name = field.extension ? bracketed : descriptor.json_name();
    const std::string& proto_name = field.extension ? bracketed : descriptor.name();
    Texts at{};
    std::string& text = table.text_;
    const auto add_key = [&text](std::string_view key_name) {
      const std::size_t from = text.size();
      text += ',';
      append_json_string(text, key_name);
      text += ':';
      return from;
    };
    at.json_key = add_key(json_name);
    at.proto_key = add_key(proto_name);
    at.json_name = text.size();
    text += json_name;
    at.proto_name = text.size();
    text += proto_name;
    at.default_json = text.size();
    add_default(descriptor, field);
    at.end = text.size();
    texts.push_back(at);
  }

  void add_default(const pb::FieldDescriptor& descriptor, const FieldTable& field) {
    using F = pb::FieldDescriptor;
    std::string& text = table.text_;
    if (field.repeated) {
      text += field.map ? "{}" : "[]";
      return;
    }
    switch (descriptor.cpp_type()) {
      case F::CPPTYPE_INT32: text += std::to_string(descriptor.default_value_int32()); return;
      case F::CPPTYPE_UINT32: text += std::to_string(descriptor.default_value_uint32()); return;
      case F::CPPTYPE_INT64: text += '"' + std::to_string(descriptor.default_value_int64()) + '"'; return;
      case F::CPPTYPE_UINT64: text += '"' + std::to_string(descriptor.default_value_uint64()) + '"'; return;
      case F::CPPTYPE_DOUBLE: append_json_double(text, descriptor.default_value_double()); return;
      case F::CPPTYPE_FLOAT: append_json_float(text, descriptor.default_value_float()); return;
      case F::CPPTYPE_BOOL: text += descriptor.default_value_bool() ? "true" : "false"; return;
      case F::CPPTYPE_ENUM: text += field.enumeration->quoted_name(descriptor.default_value_enum()->number()); return;
      case F::CPPTYPE_MESSAGE: text += "null"; return;
      case F::CPPTYPE_STRING: add_string_default(descriptor.default_value_string(), field); return;
    }
  }

  void add_string_default(const std::string& value, const FieldTable& field) {
    if (field.kind == Kind::bytes) {
      append_json_base64(table.text_, value);
    } else {
      append_json_string(table.text_, value);
    }
  }

  void point_into_text() {
    table.text_.append(padding, ' ');
    const std::string_view text = table.text_;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const Texts& at = texts[i];
      FieldTable& field = table.fields_[i];
      field.json_key = text.substr(at.json_key, at.proto_key - at.json_key);
      field.proto_key = text.substr(at.proto_key, at.json_name - at.proto_key);
      field.json_name = text.substr(at.json_name, at.proto_name - at.json_name);
      field.proto_name = text.substr(at.proto_name, at.default_json - at.proto_name);
      field.default_json = text.substr(at.default_json, at.end - at.default_json);
    }
  }

  void index_numbers() {
    const std::size_t dense = 4 * table.fields_.size() + 16;  // numbers below this get a direct entry
    for (const FieldTable& field : table.fields_) {
      if (field.number >= dense) {
        table.large_.emplace_back(field.number, field.index);
      } else {
        if (table.small_.size() <= field.number) table.small_.resize(field.number + 1U);
        table.small_[field.number] = static_cast<std::uint16_t>(field.index + 1);
      }
    }
    std::ranges::sort(table.large_);
  }

  void index_names() {
    table.slots_.resize(std::bit_ceil(4 * table.fields_.size() + 2));
    for (const FieldTable& field : table.fields_) table.index_name(field.json_name, field.index, true);
    for (const FieldTable& field : table.fields_) table.index_name(field.proto_name, field.index, false);
  }
};

TableSet::TableSet(const pb::DescriptorPool& pool) : pool_(&pool) {
  for (const char* type : {"google.protobuf.Any", "google.protobuf.Timestamp", "google.protobuf.Duration",
                           "google.protobuf.Struct", "google.protobuf.FieldMask", "google.protobuf.Empty",
                           "google.protobuf.StringValue", "google.rpc.Status", "google.rpc.ErrorInfo"}) {
    const pb::Descriptor* descriptor = pool.FindMessageTypeByName(type);
    if (descriptor != nullptr) add_file(*descriptor->file());
  }
}

TableSet::~TableSet() = default;

MessageTable& TableSet::slot(const pb::Descriptor& descriptor) {
  const auto known = by_name_.find(descriptor.full_name());
  if (known != by_name_.end()) return *known->second;
  MessageTable& table = *tables_.emplace_back(new MessageTable());
  table.full_name_ = descriptor.full_name();
  table.well_known_ = well_known_of(table.full_name_);
  table.set_ = this;
  by_name_.emplace(table.full_name_, &table);
  pending_.push_back(&descriptor);
  return table;
}

const EnumTable& TableSet::enum_table(const pb::EnumDescriptor& descriptor) {
  std::unique_ptr<EnumTable>& table = enums_[descriptor.full_name()];
  if (table == nullptr) table = std::make_unique<EnumTable>(descriptor);
  return *table;
}

const MessageTable& TableSet::table(const pb::Descriptor& descriptor) {
  MessageTable& wanted = slot(descriptor);
  while (!pending_.empty()) {
    const pb::Descriptor& next = *std::exchange(pending_.back(), nullptr);
    pending_.pop_back();
    TableBuilder{*this, *pool_, slot(next), {}}.build(next);
  }
  return wanted;
}

void TableSet::add_file(const pb::FileDescriptor& file) {
  if (!files_.emplace(file.name(), true).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) add_file(*file.dependency(i));
  std::vector<const pb::Descriptor*> messages;
  for (int i = 0; i < file.message_type_count(); ++i) messages.push_back(file.message_type(i));
  while (!messages.empty()) {
    const pb::Descriptor& message = *messages.back();
    messages.pop_back();
    table(message);
    for (int i = 0; i < message.nested_type_count(); ++i) messages.push_back(message.nested_type(i));
  }
}

const MessageTable* TableSet::find(std::string_view full_name) const {
  const auto known = by_name_.find(full_name);
  return known == by_name_.end() ? nullptr : known->second;
}

}  // namespace parley::contract
