#include "contract/text_scan.h"
#include "contract/transcode.h"
#include "contract/wire_format.h"

namespace parley::contract {

namespace {

class Validator {
 public:
  bool message(const MessageTable& table, const char* from, const char* end, int depth) {
    if (depth <= 0) return wrong("nested too deeply");
    while (from != end) {
      std::uint32_t tag = 0;
      from = read_tag(from, end, tag);
      if (from == nullptr) return wrong("malformed Protobuf: bad tag");
      const char* const next = skip_record(from, end, tag, depth);
      if (next == nullptr)
        return wrong("malformed Protobuf: field " + std::to_string(tag >> 3U) + " is cut off or nested too deeply");
      const FieldTable* field = table.by_number(tag >> 3U);
      if (field != nullptr && !value(*field, static_cast<WireType>(tag & 7U), from, next, depth)) {
        path_.insert(0, "." + std::string(field->json_name));
        return false;
      }
      from = next;
    }
    return true;
  }

  Error error() const { return {Code::invalid_argument, Blame::caller, "$" + path_ + ": " + message_}; }

 private:
  bool value(const FieldTable& field, WireType type, const char* from, const char* end, int depth) {
    if (type == WireType::group_start && field.kind == Kind::group) {
      const char* content_end = nullptr;
      skip_group(from, end, field.number, depth, content_end);
      return message(*field.message, from, content_end, depth - 1);
    }
    if (type != WireType::length) return true;
    std::size_t size = 0;
    from = read_length(from, end, size);
    if (field.kind == Kind::message) return message(*field.message, from, end, depth - 1);
    if (field.kind == Kind::string) {
      return !field.validate_utf8 || is_utf8({from, size}) || wrong("a string is not valid UTF-8");
    }
    return field.kind > Kind::string || !field.repeated ||
           packed(field.kind, from, end);  // else it is an unknown field
  }

  bool packed(Kind kind, const char* from, const char* end) {
    while (from != nullptr && from != end)
      from = skip_record(from, end, static_cast<std::uint32_t>(wire_type(kind)), 0);
    return from != nullptr || wrong("malformed Protobuf: a packed array is cut off");
  }

  bool wrong(std::string message) {
    message_ = std::move(message);
    return false;
  }

  std::string message_;
  std::string path_;
};

}  // namespace

Result<void> validate_wire(const MessageTable& table, std::string_view wire, int max_depth) {
  Validator validator;
  if (validator.message(table, wire.data(), wire.data() + wire.size(), max_depth)) return {};
  return fail(validator.error());
}

}  // namespace parley::contract
