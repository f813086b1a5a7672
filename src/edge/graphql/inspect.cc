#include "edge/graphql/inspect.h"

#include "contract/number_text.h"
#include "contract/text_escape.h"

namespace parley::edge::graphql {
namespace {

constexpr std::size_t longest_list = 10;
constexpr int deepest = 2;
constexpr std::size_t longest_text = 1000;

std::string list(const JsonValue& value, int depth) {
  if (value.empty()) return "[]";
  if (depth >= deepest) return "[Array]";
  std::string out = "[";
  std::size_t count = 0;
  for (JsonValue item = value.first(); !item.is_end() && count < longest_list; item = item.next(), ++count) {
    if (count > 0) out += ", ";
    out += inspect(item, depth + 1);
  }
  if (value.count() == longest_list + 1) out += ", ... 1 more item";
  if (value.count() > longest_list + 1) out += ", ... " + std::to_string(value.count() - longest_list) + " more items";
  return out += "]";
}

std::string object(const JsonValue& value, int depth) {
  if (value.empty()) return "{}";
  if (depth >= deepest) return "[Object]";
  std::string out = "{ ";
  for (JsonValue member = value.first(); !member.is_end(); member = member.next()) {
    if (out.size() > 2) out += ", ";
    if (out.size() > longest_text) return out += "... }";
    out.append(shortened(member.key())).append(": ").append(inspect(member, depth + 1));
  }
  return out += " }";
}

}  // namespace

std::string shortened(std::string_view text) {
  if (text.size() <= longest_text) return std::string(text);
  std::size_t end = longest_text;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not within a character
  return std::string(text.substr(0, end)) + "...";
}

std::string inspect(const JsonValue& value, int depth) {
  std::string out;
  double number = 0;
  switch (value.kind()) {
    case JsonKind::null: return "null";
    case JsonKind::boolean: return value.flag() ? "true" : "false";
    case JsonKind::string: contract::append_json_string(out, shortened(value.text())); return out;
    case JsonKind::number:
      // As JavaScript prints it: 1e2 is 100.
      if (contract::get_double(value.text(), number) != contract::NumberFault::none) return shortened(value.text());
      contract::append_json_double(out, number);
      return out;
    case JsonKind::array: return list(value, depth);
    case JsonKind::object: return object(value, depth);
  }
  return out;
}

}  // namespace parley::edge::graphql
