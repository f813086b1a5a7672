#include "graphql/schema_names.h"

#include <algorithm>
#include <cctype>
#include <unordered_map>

#include "contract/graphql_names.h"

namespace parley::graphql {
namespace {

namespace pb = google::protobuf;

bool is_letter_or_digit(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

std::string joined(std::string_view dotted) {
  std::string out(dotted);
  std::erase(out, '.');
  return out;
}

std::string underscored(std::string_view dotted) {
  std::string out(dotted);
  std::ranges::replace(out, '.', '_');
  return out;
}

// "shop.v1" is "ShopV1".
std::string package_prefix(const pb::FileDescriptor& file) {
  std::string out;
  bool upper = true;
  for (const char c : file.package()) {
    if (c == '.' || c == '_') {
      upper = true;
      continue;
    }
    out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return out;
}

// Without its package: "Order.Item".
std::string_view local_name(const std::string& full_name, const pb::FileDescriptor& file) {
  const std::string_view name = full_name;
  return file.package().empty() ? name : name.substr(file.package().size() + 1);
}

template <class D>
std::vector<std::string> names_of(const D& type, const std::string& tail, const std::string& underscored_tail) {
  const std::string local = joined(local_name(type.full_name(), *type.file())) + tail;
  return {local, package_prefix(*type.file()) + local, underscored(type.full_name()) + underscored_tail};
}

}  // namespace

std::string upper_camel(std::string_view name) {
  std::string out = contract::lower_camel(name);
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

bool is_name(std::string_view text) {
  if (text.empty() || text.starts_with("__") || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '_'; });
}

std::vector<std::string> type_names(const pb::Descriptor& message, std::string_view suffix) {
  const std::string tail(suffix);
  return names_of(message, tail, tail.empty() ? "" : "_" + tail);
}

std::vector<std::string> type_names(const pb::EnumDescriptor& enumeration) { return names_of(enumeration, "", ""); }

std::vector<std::string> type_names(const pb::OneofDescriptor& oneof, std::string_view suffix) {
  const std::string tail(suffix);
  return names_of(*oneof.containing_type(), upper_camel(oneof.name()) + tail,
                  "_" + oneof.name() + (tail.empty() ? "" : "_" + tail));
}

std::vector<std::string> type_names(const pb::FieldDescriptor& member) {
  const pb::OneofDescriptor& oneof = *member.containing_oneof();
  return names_of(*oneof.containing_type(), upper_camel(oneof.name()) + upper_camel(member.name()),
                  "_" + oneof.name() + "_" + member.name());
}

std::vector<std::string> root_names(const pb::MethodDescriptor& method) {
  std::vector<std::string> out;
  const std::string& name = method.name();
  const bool gets =
      name.size() > 3 && name.starts_with("Get") && std::isupper(static_cast<unsigned char>(name[3])) != 0;
  const bool query = contract::graphql_root(method) == "Query";
  if (gets && query) out.push_back(contract::lower_camel(name.substr(3)));
  out.push_back(contract::lower_camel(name));
  const std::string with_service = method.service()->name() + upper_camel(name);
  out.push_back(contract::lower_camel(with_service));
  out.push_back(contract::lower_camel(package_prefix(*method.file()) + with_service));
  out.push_back(underscored(method.full_name()));
  return out;
}

std::vector<std::pair<const Naming*, const Naming*>> choose_names(std::vector<Naming*>& all,
                                                                  const std::vector<std::string_view>& taken) {
  std::unordered_map<const Naming*, std::size_t> level;
  std::vector<std::pair<const Naming*, const Naming*>> clashes;
  for (bool moved = true; moved;) {
    moved = false;
    clashes.clear();
    std::unordered_map<std::string_view, std::vector<Naming*>> wanted;
    for (const std::string_view name : taken) wanted[name].push_back(nullptr);
    for (Naming* each : all) {
      each->chosen = each->choices[level[each]];
      wanted[each->chosen].push_back(each);
    }
    for (Naming* each : all) {
      const std::vector<Naming*>& rivals = wanted[each->chosen];
      if (rivals.size() < 2) continue;
      if (level[each] + 1 < each->choices.size()) {
        ++level[each];
        moved = true;
      } else {
        clashes.emplace_back(each, rivals[0] == each ? rivals[1] : rivals[0]);
      }
    }
  }
  return clashes;
}

}  // namespace parley::graphql
