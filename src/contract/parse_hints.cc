#include "contract/parse_hints.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/nearest.h"
#include "contract/source_set.h"

namespace parley::contract {
namespace {

struct Hint {
  std::string_view contains;
  std::string_view text;
};

// In order: the first that fits.
constexpr Hint parse_hints[] = {
    {"Missing field number", "each field has a number of its own: `string name = 1;`"},
    {"Expected \"required\", \"optional\", or \"repeated\"", "begin the file with `syntax = \"proto3\";`"},
    {"Unrecognized syntax identifier", "`syntax = \"proto3\";` and `syntax = \"proto2\";` are known; editions are not"},
    {"Expected top-level statement", "a file holds syntax, package, import, option, message, enum, service and extend"},
    {"Expected \";\"", "the statement before this place is not ended"},
    {"Expected \"returns\"", "write `rpc Name(Request) returns (Reply);`"},
    {"Reached end of input", "a `}` is missing somewhere above"},
    {"Expected field name", "write `type name = number;`"},
    {"Explicit 'optional' labels are disallowed", "remove `optional`"},
    {"Multiple package definitions", "a file has one package"},
    {"Need space between number and identifier", "a name cannot begin with a digit"},
    {"Invalid control characters", "the file is not plain text, or not UTF-8"},
};

constexpr Hint link_hints[] = {
    {"seems to be defined in", "import that file"},
    {"has already been used in", "give one of them a number that is free"},
    {"is already defined in", "rename one of them, or remove the copy"},
    {"The first enum value must be zero", "proto3: begin with `NAME_UNSPECIFIED = 0;`"},
    {"must be zero in proto3", "proto3: begin with `NAME_UNSPECIFIED = 0;`"},
    {"is resolved to", "write it with a dot in front: `.package.Name`"},
    {"conflicts with the", "two fields would have one name in JSON; rename one, or give it a `json_name`"},
    {"uses reserved number", "the number was used before; take the next free one"},
    {"Required fields are not allowed in proto3", "remove `required`"},
    {"must set \"allow_alias\"", "give each value a number of its own, or set `option allow_alias = true;`"},
    {"Field numbers must be positive", "numbers begin with 1"},
    {"Field numbers 19000 through 19999", "those are Protobuf's own"},
    {"is not a message type", "an rpc takes and returns messages"},
};

template <std::size_t N>
std::string first_hint(const Hint (&table)[N], std::string_view message) {
  for (const Hint& h : table) {
    if (message.contains(h.contains)) return std::string(h.text);
  }
  return "";
}

// The text between the n-th pair of double quotes, counting from 0.
std::string_view quoted(std::string_view message, int n = 0) {
  std::size_t at = 0;
  for (int i = 0;; ++i) {
    const std::size_t open = message.find('"', at);
    const std::size_t close = open == std::string_view::npos ? open : message.find('"', open + 1);
    if (close == std::string_view::npos) return {};
    if (i == n) return message.substr(open + 1, close - open - 1);
    at = close + 1;
  }
}

std::string last_name(std::string_view full) { return std::string(full.substr(full.rfind('.') + 1)); }

// `"Oder" is not defined.` A type of the right name elsewhere is the best guess, then a name like it.
std::string hint_for_type(std::string_view name, const SourceSet& sources) {
  const std::vector<std::string> types = sources.type_names();
  const std::string wanted = last_name(name);
  std::vector<std::string> shorts;
  for (const std::string& t : types) {
    if (last_name(t) == wanted) return "did you mean `" + t + "`?";
    shorts.push_back(last_name(t));
  }
  const auto near = nearest(wanted, shorts);
  if (!near) return "is it spelt right, and is its file imported?";
  return "did you mean `" + types[static_cast<std::size_t>(std::ranges::find(shorts, *near) - shorts.begin())] + "`?";
}

// `Option "(parley.qeue)" unknown.` Without parentheses it is one of Protobuf's own.
std::string hint_for_option(std::string_view name, const SourceSet& sources) {
  if (!name.starts_with('(')) {
    static const std::vector<std::string> own = {
        "deprecated", "idempotency_level", "json_name", "packed", "allow_alias", "ctype", "jstype"};
    return did_you_mean(name, own, "options that are not Protobuf's own stand in parentheses");
  }
  const std::string_view inner = name.substr(1, name.find(')') - 1);
  if (const auto file = sources.file_of_extension(inner)) return "add `import \"" + *file + "\";`";
  return did_you_mean(inner, sources.extension_names(), "import the file that defines it");
}

// `Message type "parley.Queue" has no field named "keey".`
std::string hint_for_field(std::string_view message, const SourceSet& sources) {
  const std::vector<std::string> fields = sources.field_names(quoted(message));
  std::string list;
  for (const std::string& f : fields) list += (list.empty() ? "" : ", ") + f;
  return did_you_mean(quoted(message, 1), fields, list.empty() ? "" : "it has " + list);
}

// `Option field "(parley.queue)" is not a field or extension of message "MessageOptions".`
std::string hint_for_place(std::string_view option) {
  for (const BuiltInExtension& e : built_in_extensions()) {
    if (option == "(" + std::string(e.name) + ")") return "it is an option of " + std::string(e.of);
  }
  return "it is an option of something else";
}

}  // namespace

std::string hint_for_parse_error(std::string_view message, std::string_view line) {
  if (message.contains("Expected top-level statement") && line.contains("edition")) {
    return "editions are not known; write `syntax = \"proto3\";`";
  }
  return first_hint(parse_hints, message);
}

std::string hint_for_link_error(std::string_view message, const SourceSet& sources) {
  if (message.contains("unknown. Ensure that your proto definition")) return hint_for_option(quoted(message), sources);
  if (message.starts_with("Option \"") && message.contains("unknown")) return hint_for_option(quoted(message), sources);
  if (message.contains("has no field named"))
    return hint_for_field(message.substr(message.find("Message type")), sources);
  if (message.contains("is not a field or extension of")) return hint_for_place(quoted(message));
  std::string known = first_hint(link_hints, message);
  if (!known.empty()) return known;
  return message.ends_with("is not defined.") ? hint_for_type(quoted(message), sources) : "";
}

std::span<const BuiltInExtension> built_in_extensions() {
  static constexpr BuiltInExtension table[] = {
      {"google.api.http", "google/api/annotations.proto", "rpcs"},
      {"google.api.field_behavior", "google/api/field_behavior.proto", "fields"},
      {"parley.event", "parley/options.proto", "messages"},
      {"parley.personal", "parley/options.proto", "fields"},
      {"parley.link", "parley/options.proto", "fields"},
      {"parley.aggregate", "parley/options.proto", "services"},
      {"parley.queue", "parley/options.proto", "rpcs"},
      {"parley.subscribe", "parley/options.proto", "rpcs"},
      {"parley.stream", "parley/options.proto", "rpcs"},
  };
  return table;
}

}  // namespace parley::contract
