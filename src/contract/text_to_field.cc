// Variables of paths and queries to wire fragments.
#include "base/base64.h"
#include "contract/field_path.h"
#include "contract/json_to_wire.h"
#include "contract/scalar_text.h"
#include "contract/text_scan.h"
#include "contract/transcode.h"
#include "contract/well_known.h"
#include "contract/wire_format.h"

namespace parley::contract {

namespace {

constexpr std::size_t longest_path = 64;  // names; no contract nests so deep

// Each function appends the records of one field and returns "" or what is wrong.
class TextToField {
 public:
  TextToField(OutBuffer& out, std::string_view text) : out_(out), text_(text) {}

  std::string path(const MessageTable& table, std::string_view path, std::size_t left) {
    if (left == 0) return "the path has too many names";
    const auto [field_name, rest] = split_path(path);
    const FieldTable* field = table.by_name(field_name);
    if (field == nullptr) return no_such_field(table, field_name);
    if (field->map) return entry(*field, rest);
    if (rest.empty()) return leaf(*field);
    if (rest[0] != '.') return "\"" + std::string(field_name) + "\" is not a map";
    if (field->repeated) return "\"" + std::string(field_name) + "\" is repeated: its elements have no name";
    if (field->message == nullptr || field->message->well_known() != WellKnown::none) {
      return "\"" + std::string(field_name) + "\" has no fields to name";
    }
    SubMessages parent(out_, {&field, 1});
    std::string wrong = this->path(*field->message, rest.substr(1), left - 1);
    parent.close();
    return wrong;
  }

 private:
  // `[key]` or `.key`; a key may hold dots.
  std::string entry(const FieldTable& map, std::string_view rest) {
    if (rest.starts_with('[') && rest.ends_with(']')) {
      rest = rest.substr(1, rest.size() - 2);
    } else if (rest.starts_with('.')) {
      rest.remove_prefix(1);
    } else {
      return "\"" + std::string(map.json_name) + "\" is a map: name a key, " + std::string(map.json_name) + "[key]";
    }
    const FieldTable* const field = &map;
    SubMessages parent(out_, {&field, 1});
    std::string wrong = TextToField(out_, rest).leaf(map.message->fields()[0]);
    if (wrong.empty()) wrong = leaf(map.message->fields()[1]);
    parent.close();
    return wrong;
  }

  std::string leaf(const FieldTable& field) {
    switch (field.kind) {
      case Kind::string:
        if (!is_utf8(text_)) return "the text is not valid UTF-8";
        put_text(field, text_);
        return {};
      case Kind::bytes: return bytes(field);
      case Kind::message:
      case Kind::group: return message(field);
      default: break;
    }
    std::uint64_t bits = 0;
    std::string wrong = scalar_from_text(field, text_, bits);
    if (!wrong.empty()) return wrong;
    char* to = put_varint(out_.need(2 * max_varint_size), field.tag());  // one unpacked element
    out_.advance(put_scalar(to, field.kind, bits));
    return {};
  }

  std::string bytes(const FieldTable& field) {
    std::string decoded(base64_decoded_size(text_.size()), '\0');
    const char* const stop = get_base64(decoded.data(), text_);
    if (stop == nullptr) return "the text is not base64";
    put_text(field, {decoded.data(), stop});
    return {};
  }

  void put_text(const FieldTable& field, std::string_view content) {
    char* to = put_varint(out_.need(2 * max_varint_size + content.size()), field.tag());
    out_.advance(put_varint(to, content.size()));
    out_.put(content);
  }

  std::string message(const FieldTable& field) {
    const WellKnown known = field.message->well_known();
    if (known == WellKnown::none || known == WellKnown::any) {
      return "\"" + std::string(field.json_name) + "\" is a " + field.message->full_name() + ": name one of its fields";
    }
    const FieldTable* const pointer = &field;
    SubMessages parent(out_, {&pointer, 1});
    std::string wrong = known_content(*field.message);
    parent.close();
    return wrong;
  }

  std::string known_content(const MessageTable& table) {
    switch (table.well_known()) {
      case WellKnown::wrapper: return leaf(table.fields()[0]);
      case WellKnown::timestamp:
      case WellKnown::duration: return time(table);
      case WellKnown::field_mask: return json(table, '"' + std::string(text_) + '"');
      default: return json(table, text_);
    }
  }

  // Both fields, zero or not: the fragment has to override what a body says.
  std::string time(const MessageTable& table) {
    SecondsNanos time;
    const bool stamp = table.well_known() == WellKnown::timestamp;
    std::string wrong = stamp ? get_timestamp(text_, time) : get_duration(text_, time);
    char* to = out_.need(2 * (1 + max_varint_size));
    *to++ = 0x08;
    to = put_varint(to, static_cast<std::uint64_t>(time.seconds));
    *to++ = 0x10;
    out_.advance(put_varint(to, static_cast<std::uint64_t>(std::int64_t{time.nanos})));
    return wrong;
  }

  std::string json(const MessageTable& table, std::string_view json) {
    const JsonOptions options;
    JsonToWire parser(json, out_, options);
    if (parser.message(table, options.max_depth) && parser.reader().expect_end()) return {};
    return parser.reader().error().message();
  }

  OutBuffer& out_;
  std::string_view text_;
};

}  // namespace

Result<void> text_to_field(const MessageTable& table, std::string_view field_path, std::string_view text,
                           std::string& wire) {
  OutBuffer out(wire);
  const std::string wrong = TextToField(out, text).path(table, field_path, longest_path);
  if (wrong.empty()) {
    out.finish();
    return {};
  }
  out.abandon();
  return invalid("\"" + std::string(field_path.substr(0, 200)) + "\": " + wrong);
}

}  // namespace parley::contract
