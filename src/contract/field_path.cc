#include "contract/field_path.h"

#include "contract/wire_format.h"

namespace parley::contract {

std::pair<std::string_view, std::string_view> split_path(std::string_view path) {
  std::size_t size = path.find_first_of(".[");
  if (path.starts_with('[')) size = path.find(']') == std::string_view::npos ? size : path.find(']') + 1;
  if (size == std::string_view::npos) size = path.size();
  return {path.substr(0, size), path.substr(size)};
}

std::string no_such_field(const MessageTable& table, std::string_view field_name) {
  std::string message = table.full_name() + " has no field \"" + std::string(field_name.substr(0, 100)) + '"';
  if (const std::string_view near = table.nearest_name(field_name); !near.empty()) {
    message += ": did you mean \"" + std::string(near) + "\"?";
  }
  return message;
}

Result<std::vector<const FieldTable*>> resolve_path(const MessageTable& table, std::string_view path) {
  std::vector<const FieldTable*> fields;
  const MessageTable* owner = &table;
  for (std::string_view rest = path; fields.empty() || !rest.empty();) {
    const auto [field_name, after] = split_path(rest);
    if (owner == nullptr) {
      return invalid("\"" + std::string(path) + "\": " + std::string(fields.back()->proto_name) +
                     " has no fields to name");
    }
    const FieldTable* field = owner->by_name(field_name);
    if (field == nullptr) return invalid("\"" + std::string(path) + "\": " + no_such_field(*owner, field_name));
    fields.push_back(field);
    owner = field->repeated ? nullptr : field->message;
    if (after == "." || after.starts_with('[')) return invalid("\"" + std::string(path) + "\" is not a path of fields");
    rest = after.empty() ? after : after.substr(1);
  }
  return fields;
}

SubMessages::SubMessages(OutBuffer& out, std::span<const FieldTable* const> path) : out_(out), path_(path) {
  for (const FieldTable* field : path_) {
    char* const to = out_.need(8);
    std::memcpy(to, &field->tag_bytes, 8);
    out_.advance(to + field->tag_size);
    contents_.push_back(field->kind == Kind::message ? out_.open() : 0);
  }
}

void SubMessages::close() {
  for (std::size_t i = path_.size(); i-- > 0;) {
    if (path_[i]->kind == Kind::message) {
      out_.close(contents_[i]);
    } else {
      const std::uint32_t end_tag = path_[i]->number << 3U | static_cast<std::uint32_t>(WireType::group_end);
      out_.advance(put_varint(out_.need(max_varint_size), end_tag));
    }
  }
}

}  // namespace parley::contract
