// JsonToWire: one pass over JSON text that writes wire bytes as it goes. Internal to the transcoder; use transcode.h.
//
// Recursive descent over the message tables. Every function reads one JSON value at the reader's place and appends what
// it means; it returns false once something is wrong (the reader holds the error). Lengths are patched in once a part
// is complete.
#pragma once

#include <string>
#include <string_view>

#include "contract/json_reader.h"
#include "contract/out_buffer.h"
#include "contract/seen_set.h"
#include "contract/transcode.h"

namespace parley::contract {

class JsonToWire {
 public:
  JsonToWire(std::string_view json, OutBuffer& out, const JsonOptions& options)
      : in_(json), out_(out), options_(options) {}

  // The content of a message (no tag, no length). `depth`: how many more levels may be nested.
  bool message(const MessageTable& table, int depth);
  // All records of a field. `keep_zero`: also where the value is what an absent field reads as.
  bool field(const FieldTable& field, int depth, bool keep_zero);

  JsonReader& reader() { return in_; }

 private:
  // What became of one value: `skipped` is an unknown enum name that the options let pass.
  enum class Read : std::uint8_t { bad, value, skipped };

  // ---- objects (json_to_wire.cc)
  bool object(const MessageTable& table, int depth);
  bool members(const MessageTable& table, int depth, bool in_any);
  bool member(const MessageTable& table, const FieldTable& field, SeenSet& seen, int depth);
  bool key(const MessageTable& table, const FieldTable*& field, bool in_any);
  bool check_required(const MessageTable& table, const SeenSet& seen);
  bool within_limit() { return out_.size() <= options_.max_bytes || too_large(); }
  bool too_large();

  // ---- one value of a field
  bool singular(const FieldTable& field, int depth, bool keep_zero);
  Read value(const FieldTable& field, int depth, bool keep_zero);
  Read sub_message(const FieldTable& field, int depth);
  Read string(const FieldTable& field, bool keep_zero);
  Read bytes(const FieldTable& field, bool keep_zero);
  void put_tag(const FieldTable& field);
  void put_text(std::uint64_t tag_bytes, std::size_t tag_size, std::string_view text);

  // ---- arrays and maps
  bool array(const FieldTable& field, int depth);
  bool elements(const FieldTable& field, int depth);
  bool packed(const FieldTable& field);
  template <Kind kind>
  bool packed_elements(const FieldTable& field);
  bool map(const FieldTable& field, int depth);
  bool entry(const FieldTable& field, int depth, KeySet& keys);
  bool map_key(const FieldTable& key);

  // ---- scalars (json_scalars.cc)
  Read scalar(const FieldTable& field, std::uint64_t& bits);
  template <Kind kind>
  Read scalar_of(const FieldTable& field, std::uint64_t& bits);
  template <Kind kind>
  bool integer(const FieldTable& field, std::uint64_t& bits);
  bool slow_integer(const FieldTable& field, std::uint64_t& bits);
  template <class Float, class Bits>
  bool floating(const FieldTable& field, std::uint64_t& bits);
  bool boolean(std::uint64_t& bits);
  Read enumeration(const FieldTable& field, std::uint64_t& bits);
  bool quoted_scalar(const FieldTable& field, std::uint64_t& bits);

  // ---- types with a JSON form of their own (json_well_known.cc)
  bool time(const MessageTable& table);
  bool field_mask();
  bool any(const MessageTable& any_table, int depth);
  bool any_content(const MessageTable& table, int depth);
  bool find_type_url(std::string_view& url, int depth);
  bool json_value(int depth);
  bool json_number();
  bool json_struct(int depth);
  bool json_list(int depth);
  bool json_text();

  JsonReader in_;
  OutBuffer& out_;
  const JsonOptions& options_;
  std::string scratch_;  // an unescaped string, until the next is read
};

}  // namespace parley::contract
