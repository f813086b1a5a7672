#include "contract/typescript.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include "base/text.h"
#include "contract/comments.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;

// What the well-known types are in ProtoJSON.
const std::map<std::string_view, std::string_view> well_known = {
    {"google.protobuf.Any", "Any"},
    {"google.protobuf.BoolValue", "boolean"},
    {"google.protobuf.BytesValue", "string"},
    {"google.protobuf.DoubleValue", "Float"},
    {"google.protobuf.Duration", "string"},
    {"google.protobuf.Empty", "Record<string, never>"},
    {"google.protobuf.FieldMask", "string"},
    {"google.protobuf.FloatValue", "Float"},
    {"google.protobuf.Int32Value", "number"},
    {"google.protobuf.Int64Value", "string"},
    {"google.protobuf.ListValue", "Json[]"},
    {"google.protobuf.NullValue", "null"},
    {"google.protobuf.StringValue", "string"},
    {"google.protobuf.Struct", "{ [name: string]: Json }"},
    {"google.protobuf.Timestamp", "string"},
    {"google.protobuf.UInt32Value", "number"},
    {"google.protobuf.UInt64Value", "string"},
    {"google.protobuf.Value", "Json"},
};

constexpr std::string_view head = R"(// The contract, as `parley typescript` prints it for @parley/web.
import type { BidiStream, ClientStream, ServerStream, Unary } from "@parley/web";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Float = number | "NaN" | "Infinity" | "-Infinity";
export interface Any {
  "@type": string;
  [name: string]: Json;
}
)";
constexpr std::string_view taken[] = {"Any",    "Array",  "BidiStream",   "ClientStream", "Contract", "Float",
                                      "Json",   "Record", "ServerStream", "Unary",        "boolean",  "null",
                                      "number", "string", "never",        "any",          "unknown",  "object"};

// The name within its package, without dots: "Order.Item" is "OrderItem".
template <class Descriptor>
std::string short_name(const Descriptor& type) {
  std::string name = type.full_name().substr(type.file()->package().empty() ? 0 : type.file()->package().size() + 1);
  std::erase(name, '.');
  return name;
}

std::string with_package(std::string full_name) {
  std::ranges::replace(full_name, '.', '_');
  return full_name;
}

bool is_identifier(std::string_view name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '$'; });
}

// As a JSDoc comment; nothing for an element without one.
std::string comment(std::string text, bool deprecated, std::string_view indent) {
  for (std::size_t at = 0; (at = text.find("*/", at)) != std::string::npos;) text.replace(at, 2, "* /");
  if (deprecated) text += text.empty() ? "@deprecated" : "\n@deprecated";
  if (text.empty()) return "";
  if (text.find('\n') == std::string::npos) return fmt::format("{}/** {} */\n", indent, text);
  std::string out = fmt::format("{}/**\n", indent);
  for (const std::string_view line : split(text, '\n'))
    out += fmt::format("{} *{}{}\n", indent, line.empty() ? "" : " ", line);
  return out + fmt::format("{} */\n", indent);
}

// Every message and enum that the rpcs reach, in the order of their names, and what each is called.
class Types {
 public:
  void reach(const pb::Descriptor& message) {
    if (well_known.contains(message.full_name()) || !messages_.emplace(message.full_name(), &message).second) return;
    for (int i = 0; i < message.field_count(); ++i) {
      const pb::FieldDescriptor& field =
          message.field(i)->is_map() ? *message.field(i)->message_type()->map_value() : *message.field(i);
      if (field.message_type() != nullptr) reach(*field.message_type());
      if (field.enum_type() != nullptr && !well_known.contains(field.enum_type()->full_name()))
        enums_.emplace(field.enum_type()->full_name(), field.enum_type());
    }
  }

  // Once all are reached.
  void name() {
    std::map<std::string, int> uses;
    for (const std::string_view word : taken) uses[std::string(word)] = 1;
    for (const auto& [full, message] : messages_) ++uses[short_name(*message)];
    for (const auto& [full, type] : enums_) ++uses[short_name(*type)];
    const auto choose = [&](const std::string& full, const std::string& brief) {
      names_[full] = uses[brief] == 1 ? brief : with_package(full);
    };
    for (const auto& [full, message] : messages_) choose(full, short_name(*message));
    for (const auto& [full, type] : enums_) choose(full, short_name(*type));
  }

  std::string of(const pb::Descriptor& message) const {
    const auto known = well_known.find(message.full_name());
    return known != well_known.end() ? std::string(known->second) : names_.at(message.full_name());
  }

  std::string of(const pb::FieldDescriptor& field) const {
    if (field.is_map()) return fmt::format("{{ [key: string]: {} }}", of(*field.message_type()->map_value()));
    std::string one = of_one(field);
    if (!field.is_repeated()) return one;
    return one.find(' ') == std::string::npos ? one + "[]" : "(" + one + ")[]";
  }

  const std::map<std::string, const pb::Descriptor*>& messages() const { return messages_; }
  const std::map<std::string, const pb::EnumDescriptor*>& enums() const { return enums_; }
  const std::string& name_of(const std::string& full) const { return names_.at(full); }

 private:
  std::string of_one(const pb::FieldDescriptor& field) const {
    switch (field.cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
      case pb::FieldDescriptor::CPPTYPE_UINT32: return "number";
      case pb::FieldDescriptor::CPPTYPE_INT64:
      case pb::FieldDescriptor::CPPTYPE_UINT64:
      case pb::FieldDescriptor::CPPTYPE_STRING: return "string";  // bytes too: base64
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
      case pb::FieldDescriptor::CPPTYPE_DOUBLE: return "Float";
      case pb::FieldDescriptor::CPPTYPE_BOOL: return "boolean";
      case pb::FieldDescriptor::CPPTYPE_MESSAGE: return of(*field.message_type());
      case pb::FieldDescriptor::CPPTYPE_ENUM: break;
    }
    const auto known = well_known.find(field.enum_type()->full_name());
    return known != well_known.end() ? std::string(known->second) : names_.at(field.enum_type()->full_name());
  }

  std::map<std::string, const pb::Descriptor*> messages_;  // by full name
  std::map<std::string, const pb::EnumDescriptor*> enums_;
  std::map<std::string, std::string> names_;  // by full name
};

std::string_view kind_of(const Method& method) {
  if (method.client_streaming) return method.server_streaming ? "BidiStream" : "ClientStream";
  return method.server_streaming ? "ServerStream" : "Unary";
}

std::string rpcs(const Contract& contract, const Types& types) {
  std::string out = "\nexport interface Contract {\n";
  for (const Service& service : contract.services()) {
    for (const Method& method : service.methods) {
      if (!method.not_served.empty()) continue;
      out += comment(comment_of(*method.descriptor), method.deprecated, "  ");
      out += fmt::format("  \"{}/{}\": {}<{}, {}>;\n", method.service, method.name, kind_of(method),
                         types.of(*method.descriptor->input_type()), types.of(*method.descriptor->output_type()));
    }
  }
  return out + "}\n";
}

std::string interface_of(const pb::Descriptor& message, const Types& types) {
  std::string out = "\n" + comment(comment_of(message), message.options().deprecated(), "");
  out += fmt::format("export interface {} {{\n", types.name_of(message.full_name()));
  for (int i = 0; i < message.field_count(); ++i) {
    const pb::FieldDescriptor& field = *message.field(i);
    const std::string& name = field.json_name();
    out += comment(comment_of(field), field.options().deprecated(), "  ");
    out += fmt::format("  {}?: {};\n", is_identifier(name) ? name : json_quoted(name), types.of(field));
  }
  return out + "}\n";
}

std::string union_of(const pb::EnumDescriptor& type, const Types& types) {
  std::string out = "\n" + comment(comment_of(type), type.options().deprecated(), "");
  out += fmt::format("export type {} =", types.name_of(type.full_name()));
  for (int i = 0; i < type.value_count(); ++i)
    out += fmt::format("{}\"{}\"", i == 0 ? " " : " | ", type.value(i)->name());
  return out + ";\n";
}

}  // namespace

std::string typescript(const Contract& contract) {
  Types types;
  for (const Service& service : contract.services()) {
    for (const Method& method : service.methods) {
      if (!method.not_served.empty()) continue;
      types.reach(*method.descriptor->input_type());
      types.reach(*method.descriptor->output_type());
    }
  }
  types.name();
  std::string out(head);
  out += rpcs(contract, types);
  for (const auto& [name, message] : types.messages()) out += interface_of(*message, types);
  for (const auto& [name, type] : types.enums()) out += union_of(*type, types);
  return out;
}

}  // namespace parley::contract
