#include "contract/transcode.h"

#include "contract/field_path.h"
#include "contract/json_to_wire.h"
#include "contract/wire_to_json.h"

namespace parley::contract {

namespace {

// Runs `convert` the straight way and, if that fails, once more the merging way: what is wrong with a message (a
// required field, the range of a timestamp) can only be said once all its parts are known. The merging way drops what
// is overwritten, so the whole is checked first, as a parser would.
template <class Convert>
Result<void> to_json(const MessageTable& table, std::string_view wire, std::string& json, const JsonOptions& options,
                     const Convert& convert) {
  OutBuffer out(json);
  WireToJson straight(out, options, WireToJson::Way::straight);
  if (!convert(straight)) {
    out.cut(0);
    constexpr int records_a_level = 4;  // one level of a Struct is three messages on the wire
    if (Result<void> valid = validate_wire(table, wire, records_a_level * options.max_depth); !valid) {
      out.abandon();
      return valid;
    }
    WireToJson merging(out, options, WireToJson::Way::merging);
    if (!convert(merging)) {
      out.abandon();
      return fail(merging.error());
    }
  }
  out.finish();
  return {};
}

Result<void> finish(JsonToWire& parser, OutBuffer& out, bool good) {
  if (good && parser.reader().expect_end()) {
    out.finish();
    return {};
  }
  out.abandon();
  return fail(parser.reader().error());
}

}  // namespace

Result<void> json_to_wire(const MessageTable& table, std::string_view json, std::string& wire,
                          const JsonOptions& options) {
  OutBuffer out(wire);
  JsonToWire parser(json, out, options);
  return finish(parser, out, parser.message(table, options.max_depth));
}

Result<void> wire_to_json(const MessageTable& table, std::string_view wire, std::string& json,
                          const JsonOptions& options) {
  return to_json(table, wire, json, options,
                 [&](WireToJson& writer) { return writer.message(table, {&wire, 1}, options.max_depth); });
}

Result<void> json_to_field(const MessageTable& table, std::string_view field_path, std::string_view json,
                           std::string& wire, const JsonOptions& options) {
  Result<std::vector<const FieldTable*>> path = resolve_path(table, field_path);
  if (!path) return fail(std::move(path).error());
  OutBuffer out(wire);
  JsonToWire parser(json, out, options);
  SubMessages parents(out, std::span(*path).first(path->size() - 1));
  const FieldTable& field = *path->back();
  const bool null = parser.reader().peek() == 'n' && !field.takes_null;
  const bool good = null ? parser.reader().take_word("null") || parser.reader().fail_expected("a value")
                         : parser.field(field, options.max_depth, field.has_presence);
  if (!good) parser.reader().in_field(field_path);
  parents.close();
  return finish(parser, out, good);
}

Result<void> field_to_json(const MessageTable& table, std::string_view field_path, std::string_view wire,
                           std::string& json, const JsonOptions& options) {
  Result<std::vector<const FieldTable*>> path = resolve_path(table, field_path);
  if (!path) return fail(std::move(path).error());
  return to_json(table, wire, json, options,
                 [&](WireToJson& writer) { return writer.lone_field(*path, wire, options.max_depth); });
}

const FieldTable* find_field(const MessageTable& table, std::string_view field_path) {
  Result<std::vector<const FieldTable*>> path = resolve_path(table, field_path);
  return path ? path->back() : nullptr;
}

}  // namespace parley::contract
