// Values as GraphQL text, as graphql-js's printer writes them.
#include <fmt/format.h>

#include "graphql/print.h"

namespace parley::graphql {
namespace {

void print_list(const Value& value, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += ", ";
    print(value.items[i], out);
  }
  out += ']';
}

void print_object(const Value& value, std::string& out) {
  out += '{';
  for (std::size_t i = 0; i < value.entries.size(); ++i) {
    if (i > 0) out += ", ";
    out += value.entries[i].name.text;
    out += ": ";
    print(value.entries[i].value, out);
  }
  out += '}';
}

}  // namespace

void print(const Value& value, std::string& out) {
  switch (value.kind) {
    case ValueKind::variable:
      out += '$';
      out += value.text;
      break;
    case ValueKind::string: value.block ? print_block_string(value.text, out) : print_string(value.text, out); break;
    case ValueKind::boolean: out += value.boolean ? "true" : "false"; break;
    case ValueKind::null: out += "null"; break;
    case ValueKind::list: print_list(value, out); break;
    case ValueKind::object: print_object(value, out); break;
    case ValueKind::integer:
    case ValueKind::floating:
    case ValueKind::enumeration: out += value.text; break;
  }
}

void print_string(std::string_view text, std::string& out) {
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    constexpr std::string_view from = "\b\t\n\f\r\"\\";
    constexpr std::string_view to = "btnfr\"\\";
    if (const std::size_t which = c == 0 ? std::string_view::npos : from.find(text[i]);
        which != std::string_view::npos) {
      out += '\\';
      out += to[which];
    } else if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04X}", c);
    } else if (c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(text[++i]));  // U+0080 to U+009F
    } else {
      out += text[i];
    }
  }
  out += '"';
}

}  // namespace parley::graphql
