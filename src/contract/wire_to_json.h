// WireToJson: wire bytes to JSON text. Internal to the transcoder; use transcode.h.
//
// Two ways through a message. The straight one writes each record as it comes, which is right as long as the records of
// a field lie together and a singular field, a oneof or a map key comes once: what every serializer emits. Protobuf
// allows more (records of one field apart, split sub-messages, scalars set twice), and when the straight way meets such
// it reports a conflict. Then the whole conversion starts anew on the merging way, which first gathers all records of a
// message, from all fragments of it, and then writes field by field. Restarting from the top, once, keeps hostile
// nesting from doubling the work a level.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/out_buffer.h"
#include "contract/seen_set.h"
#include "contract/transcode.h"
#include "contract/wire_format.h"

namespace parley::contract {

// The content of one message: usually one slice, several where the wire splits it. Their concatenation is the message.
using Fragments = std::span<const std::string_view>;

class WireToJson {
 public:
  enum class Way : std::uint8_t { straight, merging };

  WireToJson(OutBuffer& out, const JsonOptions& options, Way way) : out_(out), options_(options), way_(way) {}

  // Appends the JSON of a message. False on an error or, the straight way, a conflict.
  bool message(const MessageTable& table, Fragments content, int depth);
  // Appends the JSON of the field at the end of `path` alone; its default where it is absent.
  bool lone_field(std::span<const FieldTable* const> path, std::string_view content, int depth);
  // Appends one value of a field that is no message: `content` is that of a string or bytes, or begins with the number.
  bool lone_scalar(const FieldTable& field, std::string_view content) {
    if (field.kind == Kind::string) return text(content);
    if (field.kind == Kind::bytes) return base64(content), true;
    const char* from = content.data();
    return scalar(field, from, from + content.size());
  }

  Error error() const;

 private:
  // `object`: {"name":value,…}. `bare`: the value alone, of types whose JSON is that of their only field (wrappers,
  // Struct, …).
  enum class Form : std::uint8_t { object, bare };

  // One record of a known field.
  struct Record {
    const FieldTable* field;
    WireType type;
    const char* from;       // of the value: for length and group, of the content
    const char* end;        // of the value
    std::size_t order = 0;  // among those of its message; only the merging way asks
    std::string_view content() const { return {from, end}; }
  };

  // ---- reading records (wire_to_json.cc)
  // Reads the record at `from`. record.field is null for one to skip: unknown, of another wire type, or an undeclared
  // number of a closed enum. Returns what follows it, or null with the error set.
  const char* read_record(const MessageTable& table, const char* from, const char* end, Record& record, int depth);
  const char* read_content(Record& record, const char* from, const char* end, std::uint32_t tag, int depth);
  static bool takes(const FieldTable& field, WireType type);

  // ---- the straight way
  bool straight(const MessageTable& table, std::string_view content, Form form, int depth);
  const char* straight_repeated(const Record& first, const char* next, const char* end, int depth);
  const char* straight_map(const Record& first, const char* next, const char* end, int depth);
  bool fits(const Record& record, SeenSet& seen, const MessageTable& table);

  // ---- the merging way (wire_merge.cc)
  bool merging(const MessageTable& table, Fragments content, Form form, int depth);
  bool gather(const MessageTable& table, Fragments content, std::vector<Record>& records, int depth);
  static void keep_last_of_oneofs(const MessageTable& table, std::vector<Record>& records);
  bool merged_field(std::span<const Record> records, int depth);
  bool merged_array(std::span<const Record> records, int depth);
  bool merged_map(std::span<const Record> records, int depth);
  bool merged_singular(std::span<const Record> records, int depth);

  // ---- map entries
  struct Entry {
    Record key{};
    Record value{};
    std::vector<std::string_view> parts;  // of a message value that comes in several records
    bool skip = false;                    // the value is an undeclared number of a closed enum
  };
  bool read_entry(const FieldTable& map, std::string_view content, Entry& entry, int depth);
  bool put_entry_key(const FieldTable& map, const Entry& entry);
  bool put_entry_value(const FieldTable& map, const Entry& entry, int depth);

  // ---- values
  bool value(const Record& record, int depth);
  bool sub_message(const FieldTable& field, Fragments content, int depth);
  bool scalar(const FieldTable& field, const char*& from, const char* end);
  bool elements(const Record& record, int depth);
  template <Kind kind>
  bool packed_elements(const FieldTable& field, const char* from, const char* end);
  template <Kind kind>
  bool scalar_of(const FieldTable& field, const char*& from, const char* end);
  bool enumeration(const FieldTable& field, std::int32_t number);
  bool text(std::string_view text);
  void base64(std::string_view bytes);
  void put_key(const FieldTable& field) {
    out_.put_padded(options_.use_proto_names ? field.proto_key : field.json_key);
  }
  void put_default(const FieldTable& field);
  bool absent_fields(const MessageTable& table, const SeenSet& seen);
  bool absent_bare(const MessageTable& table);

  // ---- types with a JSON form of their own (wire_well_known.cc)
  bool time(const MessageTable& table, Fragments content);
  bool field_mask(const MessageTable& table, Fragments content);
  bool any(const MessageTable& table, Fragments content, int depth);
  bool value_is_finite(const Record& record);

  // ---- errors
  bool fail(std::string message);
  bool give_up();
  bool within_limit() { return out_.size() <= options_.max_bytes || too_large(); }
  bool too_large();
  bool in_field(const FieldTable& field);

  OutBuffer& out_;
  const JsonOptions& options_;
  const Way way_;
  bool failed_ = false;
  bool too_large_ = false;
  std::string message_;
  std::string path_;
};

}  // namespace parley::contract
