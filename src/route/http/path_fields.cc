#include "route/http/path_fields.h"

#include <fmt/format.h>

#include "contract/path_template.h"
#include "contract/transcode.h"

namespace parley::route {
namespace {

using contract::FieldTable;
using contract::HttpRule;
using contract::MessageTable;
using contract::PathVariable;
using contract::Segment;
using contract::WellKnown;
using simdjson::dom::element;
using simdjson::dom::element_type;

std::string_view cut_name(std::string_view& path) {
  const std::size_t dot = path.find('.');
  const std::string_view name = path.substr(0, dot);
  path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  return name;
}

std::string scalar_text(element value) {
  if (std::string_view text; !value.get(text)) return std::string(text);
  return simdjson::minify(value);
}

bool is_scalar(element value) { return value.type() != element_type::OBJECT && value.type() != element_type::ARRAY; }

std::string unquoted(std::string_view json) {
  if (json.size() >= 2 && json.front() == '"') json = json.substr(1, json.size() - 2);
  return std::string(json);
}

// Messages whose JSON may be anything: a query carries them as JSON text.
bool is_free_form(const FieldTable& field) {
  if (field.message == nullptr || field.map) return false;
  const WellKnown kind = field.message->well_known();
  return kind == WellKnown::structure || kind == WellKnown::value || kind == WellKnown::list_value ||
         kind == WellKnown::any;
}

// Whether the parts of `text` are what `segments` [first, first + count) ask for.
bool matches(const std::vector<Segment>& segments, std::size_t first, std::size_t count, std::string_view text) {
  if (count == 0) return text.empty();
  const Segment& segment = segments[first];
  if (segment.kind == Segment::Kind::rest) {
    if (count == 1) return true;
    for (std::size_t at = 0; at != std::string_view::npos; at = text.find('/', at + 1)) {
      if (matches(segments, first + 1, count - 1, at == 0 ? text : text.substr(at + 1))) return true;
    }
    return false;
  }
  const std::size_t slash = text.find('/');
  const std::string_view part = text.substr(0, slash);
  if (segment.kind == Segment::Kind::literal ? part != segment.text : part.empty()) return false;
  if (count == 1) return slash == std::string_view::npos;
  return slash != std::string_view::npos && matches(segments, first + 1, count - 1, text.substr(slash + 1));
}

// "orders/*"
std::string pattern_of(const HttpRule& rule, const PathVariable& variable) {
  std::string out;
  for (std::size_t i = variable.first; i < std::size_t{variable.first} + variable.count; ++i) {
    const Segment& segment = rule.segments[i];
    if (!out.empty()) out += '/';
    out += segment.kind == Segment::Kind::literal ? segment.text : segment.kind == Segment::Kind::any ? "*" : "**";
  }
  return out;
}

std::string encode_parts(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t slash = text.find('/');
    out += contract::percent_encode(text.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    out += '/';
    text.remove_prefix(slash + 1);
  }
}

std::unexpected<Error> bad_path_field(const HttpRule& rule, const PathVariable& variable) {
  return fail(Error(Code::invalid_argument, Blame::caller,
                    fmt::format("{}: must be set, in the form {}, for the upstream's path {}", variable.field_path,
                                pattern_of(rule, variable), rule.pattern))
                  .with_reason("path_field"));
}

Result<std::string> variable_text(const HttpRule& rule, const PathVariable& variable, const JsonMessage& message,
                                  bool defaults) {
  const std::optional<std::string> text = field_text(message, variable.field_path, defaults);
  if (!text || text->empty()) return bad_path_field(rule, variable);
  const bool one_segment = variable.count == 1 && rule.segments[variable.first].kind != Segment::Kind::rest;
  if (one_segment && rule.segments[variable.first].kind == Segment::Kind::any) return contract::percent_encode(*text);
  if (!matches(rule.segments, variable.first, variable.count, *text)) return bad_path_field(rule, variable);
  return encode_parts(*text);
}

}  // namespace

std::string json_path(const MessageTable& table, std::string_view field_path) {
  std::string out;
  const MessageTable* at = &table;
  for (std::string_view rest = field_path; !rest.empty();) {
    const FieldTable* field = at == nullptr ? nullptr : at->by_name(cut_name(rest));
    if (field == nullptr) return std::string(field_path);
    if (!out.empty()) out += '.';
    out += field->json_name;
    at = field->message;
  }
  return out;
}

std::optional<std::string> field_text(const JsonMessage& message, std::string_view field_path, bool defaults) {
  element value = message.json;
  const MessageTable* table = &message.table;
  for (std::string_view rest = field_path; !rest.empty();) {
    const FieldTable* field = table == nullptr ? nullptr : table->by_name(cut_name(rest));
    if (field == nullptr) return std::nullopt;
    if (value.at_key(field->json_name).get(value) != simdjson::SUCCESS) {
      const FieldTable* last = contract::find_field(message.table, field_path);
      if (!defaults || last == nullptr || last->repeated || last->message != nullptr) return std::nullopt;
      return unquoted(last->default_json);
    }
    table = field->message;
  }
  if (!is_scalar(value) || value.is_null()) return std::nullopt;
  return scalar_text(value);
}

Result<std::string> fill_path(const HttpRule& rule, const JsonMessage& message, bool defaults) {
  std::string out;
  for (std::size_t i = 0; i < rule.segments.size();) {
    out += '/';
    const PathVariable* variable = nullptr;
    for (const PathVariable& v : rule.variables) {
      if (v.first == i && v.count > 0) variable = &v;
    }
    if (variable != nullptr) {
      Result<std::string> text = variable_text(rule, *variable, message, defaults);
      if (!text) return text;
      out += *text;
      i += variable->count;
      continue;
    }
    const Segment& segment = rule.segments[i++];
    if (segment.kind != Segment::Kind::literal) {
      return fail(Error(Code::unimplemented, Blame::us,
                        fmt::format("the path {} has a wildcard that no field fills", rule.pattern))
                      .with_reason("path_field"));
    }
    out += contract::percent_encode(segment.text);
  }
  if (out.empty()) out = "/";
  if (!rule.colon_verb.empty()) out.append(":").append(rule.colon_verb);
  return out;
}

namespace {

using Without = std::set<std::string, std::less<>>;

struct QueryWriter {
  const Without& without;
  std::string out;

  void add(std::string_view key, std::string_view value) {
    if (!out.empty()) out += '&';
    // Dots and brackets make up the key; they need no escapes (and services that compare text expect them).
    out.append(key).append("=").append(contract::percent_encode(value));
  }

  Result<void> object(element json, const MessageTable& table, const std::string& prefix) {
    for (const auto& [key, value] : simdjson::dom::object(json)) {
      const std::string path = prefix.empty() ? std::string(key) : prefix + "." + std::string(key);
      if (without.contains(path)) continue;
      const FieldTable* field = table.by_name(key);
      if (field == nullptr) continue;
      if (Result<void> added = member(path, value, *field); !added) return added;
    }
    return {};
  }

  Result<void> member(const std::string& path, element value, const FieldTable& field) {
    if (is_free_form(field)) {
      if (!field.repeated) add(path, simdjson::minify(value));
      return field.repeated ? unfit(path) : Result<void>();
    }
    if (field.map) {
      for (const auto& [key, each] : simdjson::dom::object(value)) {
        if (!is_scalar(each)) return unfit(path);
        add(fmt::format("{}[{}]", path, contract::percent_encode(key)), scalar_text(each));
      }
      return {};
    }
    if (value.type() == element_type::ARRAY) {
      for (const element each : simdjson::dom::array(value)) {
        if (!is_scalar(each)) return unfit(path);
        add(path, scalar_text(each));
      }
      return {};
    }
    if (is_scalar(value)) {
      add(path, scalar_text(value));
      return {};
    }
    return object(value, *field.message, path);
  }

  static Result<void> unfit(const std::string& path) {
    return fail(
        Error(Code::invalid_argument, Blame::caller,
              fmt::format("{}: has no form in a query, and the upstream's rule has no place for it in a body", path))
            .with_reason("query_field"));
  }
};

void append_object(element json, const Without& without, const std::string& prefix, std::string& out) {
  out += '{';
  bool first = true;
  for (const auto& [key, value] : simdjson::dom::object(json)) {
    const std::string path = prefix.empty() ? std::string(key) : prefix + "." + std::string(key);
    if (without.contains(path)) continue;
    if (!std::exchange(first, false)) out += ',';
    out.append("\"").append(key).append("\":");  // a field's name: needs no escape
    const auto below = without.lower_bound(path + ".");
    if (value.type() == element_type::OBJECT && below != without.end() && below->starts_with(path + ".")) {
      append_object(value, without, path, out);
    } else {
      out += simdjson::minify(value);
    }
  }
  out += '}';
}

}  // namespace

Result<std::string> query_of(const JsonMessage& message, const Without& without) {
  QueryWriter writer{.without = without, .out = {}};
  if (message.json.type() != element_type::OBJECT) return writer.out;
  if (Result<void> done = writer.object(message.json, message.table, ""); !done) return fail(std::move(done).error());
  return std::move(writer.out);
}

void append_without(element json, const Without& without, std::string& out) {
  if (json.type() == element_type::OBJECT && !without.empty()) return append_object(json, without, "", out);
  out += simdjson::minify(json);
}

}  // namespace parley::route
