// MessageTable: everything the transcoder knows about one message type, compiled once from its descriptor into flat
// arrays. After that no descriptor and no google::protobuf::Message is touched: JSON and wire bytes are turned into one
// another by walking these tables.
//
// Ownership: a TableSet owns its tables and everything they point to; it lives as long as the contract snapshot it was
// built for. Thread safety: building (`table`, `add_file`) is for one thread; once built, all reading is safe from any
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace google::protobuf {
class Descriptor;
class DescriptorPool;
class EnumDescriptor;
class FieldDescriptor;
class FileDescriptor;
}  // namespace google::protobuf

namespace parley::contract {

class MessageTable;
class TableSet;

// How one value of a field lies on the wire. The order groups kinds by wire type.
enum class Kind : std::uint8_t {
  int32,
  int64,
  uint32,
  uint64,
  sint32,
  sint64,
  boolean,
  enumeration,
  fixed32,
  sfixed32,
  float32,
  fixed64,
  sfixed64,
  float64,
  string,
  bytes,
  message,
  group,
};

// Protobuf encoding's wire types (protobuf.dev/programming-guides/encoding).
enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, length = 2, group_start = 3, group_end = 4, fixed32 = 5 };
WireType wire_type(Kind kind);
// "int32", "string", … as a .proto file spells it.
std::string_view name(Kind kind);

// Messages whose JSON form is their own (ProtoJSON's table of well-known types).
enum class WellKnown : std::uint8_t {
  none,
  any,
  timestamp,
  duration,
  field_mask,
  structure,
  value,
  list_value,
  wrapper,      // DoubleValue … BytesValue: the JSON of field 1
  message_set,  // proto2's message_set_wire_format, which has no JSON mapping and is refused
};

class EnumTable {
 public:
  explicit EnumTable(const google::protobuf::EnumDescriptor& descriptor);

  // The first name declared for `number`, in quotes ("\"RED\""), or "" if there is none.
  std::string_view quoted_name(std::int32_t number) const;
  // Null if no value has that name.
  const std::int32_t* number(std::string_view value_name) const;
  bool has(std::int32_t number) const { return !quoted_name(number).empty(); }
  // proto2: a number that is not declared is as good as absent (it belongs to the unknown fields).
  bool closed() const { return closed_; }
  // google.protobuf.NullValue, which is JSON's null.
  bool is_null_value() const { return null_value_; }
  const std::string& full_name() const { return full_name_; }
  std::int32_t first_number() const { return first_number_; }
  // "RED, GREEN, BLUE, …": for messages about names that are not there.
  std::string some_names() const;

 private:
  struct Value {
    std::int32_t number;
    std::uint32_t size;
    std::string padded;  // the quoted name and 16 bytes more: OutBuffer::put_padded may read them
    std::string_view quoted() const { return std::string_view(padded).substr(0, size); }
  };
  std::vector<Value> by_number_;  // sorted, one a number
  std::int32_t dense_from_ = 0;   // by_number_[n - dense_from_] is n's value while n - dense_from_ < dense_size_
  std::uint32_t dense_size_ = 0;
  std::unordered_map<std::string_view, std::int32_t> by_name_;
  std::deque<std::string> names_;
  std::string full_name_;
  std::int32_t first_number_ = 0;
  bool closed_ = false;
  bool null_value_ = false;
};

struct FieldTable {
  std::uint64_t tag_bytes = 0;  // the record's tag as the writer emits it, little-endian; the low tag_size bytes count
  std::uint8_t tag_size = 0;
  Kind kind = Kind::int32;
  bool repeated = false;       // maps too
  bool map = false;            // `message` is then the entry type: field 0 the key, field 1 the value
  bool packed = false;         // the writer packs; a reader takes both forms
  bool required = false;       // proto2
  bool has_presence = false;   // a zero that was set differs from one that was not
  bool validate_utf8 = false;  // proto3 strings
  bool takes_null = false;     // JSON's null is a value of it: google.protobuf.Value and NullValue
  bool extension = false;      // json_name is "[full.name]"
  std::uint16_t index = 0;     // in MessageTable::fields()
  std::uint16_t oneof = 0;     // 1 + index of the (real) oneof, 0: none
  std::uint32_t number = 0;    // field number
  const MessageTable* message = nullptr;
  const EnumTable* enumeration = nullptr;
  std::string_view json_key;   // `,"userId":` ready to copy
  std::string_view proto_key;  // `,"user_id":`
  std::string_view json_name;
  std::string_view proto_name;
  std::string_view default_json;  // what an absent field reads as, e.g. `0`, `""`, `[]`
  const MessageTable* owner = nullptr;

  std::uint32_t tag() const;  // number << 3 | wire type of one unpacked value
};

class MessageTable {
 public:
  const std::string& full_name() const { return full_name_; }
  WellKnown well_known() const { return well_known_; }
  const TableSet& set() const { return *set_; }

  // In order of declaration, extensions last.
  const std::vector<FieldTable>& fields() const { return fields_; }
  // By JSON name, proto name or "[extension.name]"; null if there is none.
  const FieldTable* by_name(std::string_view field_name) const;
  const FieldTable* by_number(std::uint32_t number) const {
    if (number < small_.size()) [[likely]] {
      return small_[number] == 0 ? nullptr : &fields_[small_[number] - 1U];
    }
    return by_large_number(number);
  }
  std::size_t oneof_count() const { return oneof_count_; }
  bool has_required() const { return has_required_; }
  // The declared name nearest to `field_name`, or "": for messages.
  std::string_view nearest_name(std::string_view field_name) const;

  MessageTable(const MessageTable&) = delete;
  MessageTable& operator=(const MessageTable&) = delete;

 private:
  friend class TableSet;
  friend struct TableBuilder;
  struct Slot {
    std::uint32_t hash;
    std::uint16_t field;  // 1 + index; 0: free
    bool json;            // which of the field's two names this slot is
  };
  MessageTable() = default;
  const FieldTable* by_large_number(std::uint32_t number) const;
  void index_name(std::string_view field_name, std::uint16_t field, bool json);

  std::vector<FieldTable> fields_;
  std::vector<std::uint16_t> small_;                            // field number -> 1 + index
  std::vector<std::pair<std::uint32_t, std::uint16_t>> large_;  // sorted by number: those not in small_
  std::vector<Slot> slots_;                                     // open addressing, a power of two, at most half full
  std::string full_name_;
  std::string text_;  // all keys and names of the fields lie in here
  const TableSet* set_ = nullptr;
  std::size_t oneof_count_ = 0;
  WellKnown well_known_ = WellKnown::none;
  bool has_required_ = false;
};

class TableSet {
 public:
  // `pool` outlives the building, not the set. The well-known types and google.rpc's error details are compiled at once
  // if the pool can find them, so that an Any can always hold one.
  explicit TableSet(const google::protobuf::DescriptorPool& pool);
  ~TableSet();
  TableSet(const TableSet&) = delete;
  TableSet& operator=(const TableSet&) = delete;

  // Compiles the type and all it reaches, if that is not done yet. Only while building.
  const MessageTable& table(const google::protobuf::Descriptor& descriptor);
  // Compiles every message of the file and of the files it imports. Only while building.
  void add_file(const google::protobuf::FileDescriptor& file);
  // What was compiled, by full name ("google.protobuf.Any"); null if it was not.
  const MessageTable* find(std::string_view full_name) const;
  std::size_t size() const { return by_name_.size(); }

 private:
  friend struct TableBuilder;
  MessageTable& slot(const google::protobuf::Descriptor& descriptor);
  const EnumTable& enum_table(const google::protobuf::EnumDescriptor& descriptor);

  const google::protobuf::DescriptorPool* pool_;
  std::vector<std::unique_ptr<MessageTable>> tables_;
  std::unordered_map<std::string_view, MessageTable*> by_name_;
  std::unordered_map<std::string, std::unique_ptr<EnumTable>> enums_;
  std::unordered_map<std::string, bool> files_;
  std::vector<const google::protobuf::Descriptor*> pending_;  // have a table that is still empty
};

}  // namespace parley::contract
