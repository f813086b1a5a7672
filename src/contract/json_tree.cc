#include "contract/json_tree.h"

#include <algorithm>

#include "contract/text_escape.h"

namespace parley::contract {
namespace {

void new_line(std::string& out, int depth) {
  out += '\n';
  out.append(static_cast<std::size_t>(depth) * 2, ' ');
}

}  // namespace

JsonTree& JsonTree::operator[](std::string_view key) {
  auto& members = std::get<Object>(value_);
  const auto at = std::ranges::find(members, key, &Member::first);
  if (at != members.end()) return at->second;
  return members.emplace_back(std::string(key), JsonTree()).second;
}

const JsonTree* JsonTree::find(std::string_view key) const {
  const auto* members = std::get_if<Object>(&value_);
  if (members == nullptr) return nullptr;
  const auto at = std::ranges::find(*members, key, &Member::first);
  return at == members->end() ? nullptr : &at->second;
}

bool JsonTree::empty() const {
  if (const auto* members = std::get_if<Object>(&value_)) return members->empty();
  if (const auto* items = std::get_if<Array>(&value_)) return items->empty();
  return false;
}

std::string JsonTree::text() const {
  std::string out;
  write(out, 0);
  return out;
}

void JsonTree::write(std::string& out, int depth) const {
  if (const auto* b = std::get_if<bool>(&value_)) {
    out += *b ? "true" : "false";
  } else if (const auto* n = std::get_if<std::int64_t>(&value_)) {
    out += std::to_string(*n);
  } else if (const auto* s = std::get_if<std::string>(&value_)) {
    append_json_string(out, *s);
  } else if (const auto* items = std::get_if<Array>(&value_)) {
    out += '[';
    for (const JsonTree& item : *items) {
      if (&item != items->data()) out += ',';
      new_line(out, depth + 1);
      item.write(out, depth + 1);
    }
    if (!items->empty()) new_line(out, depth);
    out += ']';
  } else {
    out += '{';
    for (const auto& member : members()) {
      if (&member != members().data()) out += ',';
      new_line(out, depth + 1);
      append_json_string(out, member.first);
      out += ": ";
      member.second.write(out, depth + 1);
    }
    if (!members().empty()) new_line(out, depth);
    out += '}';
  }
}

}  // namespace parley::contract
