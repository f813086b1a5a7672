#include "contract/breaking.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <google/protobuf/descriptor.pb.h>

#include "contract/graphql_names.h"
#include "contract/lint.h"
#include "contract/path_template.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;
using Type = pb::FieldDescriptor;
using Severity = Diagnostic::Severity;

// Types of one group read each other's bytes (protobuf.dev, "Updating A Message Type").
int wire_group(const Type& field) {
  switch (field.type()) {
    case Type::TYPE_INT32:
    case Type::TYPE_UINT32:
    case Type::TYPE_INT64:
    case Type::TYPE_UINT64:
    case Type::TYPE_BOOL:
    case Type::TYPE_ENUM: return 1;
    case Type::TYPE_SINT32:
    case Type::TYPE_SINT64: return 2;
    case Type::TYPE_FIXED32:
    case Type::TYPE_SFIXED32: return 3;
    case Type::TYPE_FIXED64:
    case Type::TYPE_SFIXED64: return 4;
    case Type::TYPE_STRING:
    case Type::TYPE_BYTES: return 5;
    case Type::TYPE_FLOAT: return 6;
    case Type::TYPE_DOUBLE: return 7;
    case Type::TYPE_MESSAGE: return 8;
    default: return 9;  // a group
  }
}

// How a value is written in JSON.
std::string json_form(const Type& field) {
  switch (field.cpp_type()) {
    case Type::CPPTYPE_INT32:
    case Type::CPPTYPE_UINT32:
    case Type::CPPTYPE_FLOAT:
    case Type::CPPTYPE_DOUBLE: return "number";
    case Type::CPPTYPE_INT64:
    case Type::CPPTYPE_UINT64: return "number in a string";
    case Type::CPPTYPE_BOOL: return "true or false";
    case Type::CPPTYPE_ENUM: return "name of " + field.enum_type()->full_name();
    case Type::CPPTYPE_MESSAGE: return field.message_type()->full_name();
    default: return field.type() == Type::TYPE_BYTES ? "base64 string" : "string";
  }
}

std::string type_text(const Type& field) {
  if (field.is_map()) return "map";
  std::string name = field.type_name();
  if (field.message_type() != nullptr) name = field.message_type()->full_name();
  if (field.enum_type() != nullptr) name = field.enum_type()->full_name();
  return (field.is_repeated() ? "repeated " : "") + name;
}

std::string stream_text(const Method& m) {
  if (m.client_streaming && m.server_streaming) return "a stream both ways";
  if (m.client_streaming) return "a stream of requests";
  return m.server_streaming ? "a stream of replies" : "one request and one reply";
}

const pb::FieldDescriptor* find_field(const pb::Descriptor& message, const std::string& name) {
  return message.FindFieldByName(name);
}

class Comparison {
 public:
  Comparison(const Contract& old, const Contract& now)
      : old_(old), now_(now), old_options_(old.pool()), now_options_(now.pool()) {}

  std::vector<Diagnostic> run() {
    for (const Service& service : old_.services()) compare_service(service);
    for_each_message(old_.files(), [&](const pb::Descriptor& message) { compare_message(message); });
    for (const pb::FileDescriptor* file : old_.files()) {
      for (int i = 0; i < file->enum_type_count(); ++i) compare_enum(*file->enum_type(i));
    }
    return std::move(out_);
  }

 private:
  // `at`: an element of the new contract.
  template <class Descriptor>
  void add(Severity severity, const Descriptor& at, std::string message, std::string hint) {
    pb::SourceLocation where;
    const bool found = at.GetSourceLocation(&where);
    out_.push_back({severity, at.file()->name(), found ? where.start_line + 1 : 0, found ? where.start_column + 1 : 0,
                    std::move(message), std::move(hint), ""});
  }
  template <class Descriptor>
  void breaks(const Descriptor& at, std::string message, std::string hint) {
    add(Severity::error, at, std::move(message), std::move(hint));
  }

  void compare_service(const Service& old) {
    const Service* now = now_.find_service(old.name);
    if (now == nullptr) {
      out_.push_back({Severity::error, old.descriptor->file()->name(), 0, 0, "wire: service " + old.name + " is gone",
                      "keep it, and mark it deprecated", ""});
      return;
    }
    for (const Method& method : old.methods) {
      const Method* same = now_.find(method.path);
      if (same == nullptr) {
        breaks(*now->descriptor, "wire: rpc " + old.name + "/" + method.name + " is gone",
               "keep it, and mark it deprecated");
      } else {
        compare_method(method, *same);
      }
    }
  }

  void compare_method(const Method& old, const Method& now) {
    const pb::MethodDescriptor& at = *now.descriptor;
    const auto type_change = [&](const char* what, const pb::Descriptor* before, const pb::Descriptor* after) {
      if (before->full_name() == after->full_name()) return;
      breaks(at, std::string("wire: the ") + what + " was " + before->full_name() + " and is " + after->full_name(),
             "add a new rpc instead");
    };
    type_change("request", old.descriptor->input_type(), at.input_type());
    type_change("reply", old.descriptor->output_type(), at.output_type());
    if (old.client_streaming != now.client_streaming || old.server_streaming != now.server_streaming) {
      breaks(at, "wire: the rpc was " + stream_text(old) + " and is " + stream_text(now), "add a new rpc instead");
    } else if (old.idempotency == Idempotency::no_side_effects && now.idempotency != Idempotency::no_side_effects) {
      breaks(at, "GraphQL: the rpc was a field of Query and is one of Mutation; Connect clients cannot GET it",
             "keep `option idempotency_level = NO_SIDE_EFFECTS;`");
    } else if (graphql_root(*old.descriptor) != graphql_root(at)) {
      breaks(at, "GraphQL: the rpc was a field of Mutation and is one of Query",
             "change `idempotency_level` in a new version");
    }
    compare_bindings(old, now);
  }

  void compare_bindings(const Method& old, const Method& now) {
    std::map<std::string, const HttpRule*> bindings;
    for (const HttpRule& rule : now.rules) bindings.emplace(binding_key(rule), &rule);
    for (const HttpRule& rule : old.rules) {
      const auto same = bindings.find(binding_key(rule));
      const std::string what = "`" + rule.verb + " " + rule.pattern + "`";
      if (same == bindings.end()) {
        breaks(*now.descriptor, "HTTP: " + what + " is gone", "keep it as one of `additional_bindings`");
        continue;
      }
      const auto change = [&](const char* name, const std::string& before, const std::string& after) {
        if (before == after) return;
        breaks(*now.descriptor,
               "HTTP: the " + std::string(name) + " of " + what + " was \"" + before + "\" and is \"" + after + "\"",
               "bind the new form to another path");
      };
      change("body", rule.body, same->second->body);
      change("response body", rule.response_body, same->second->response_body);
    }
  }

  void compare_message(const pb::Descriptor& old) {
    const pb::Descriptor* now = now_.pool().FindMessageTypeByName(old.full_name());
    if (now == nullptr) {
      out_.push_back({Severity::warning, old.file()->name(), 0, 0,
                      "JSON: message " + old.full_name() + " is gone; an Any may hold it",
                      "keep it, and mark it deprecated", ""});
      return;
    }
    for (int i = 0; i < old.field_count(); ++i) compare_field(*old.field(i), *now);
    for (int i = 0; i < now->field_count(); ++i) check_new_field(old, *now->field(i));
    for (int i = 0; i < old.enum_type_count(); ++i) compare_enum(*old.enum_type(i));
  }

  void compare_field(const pb::FieldDescriptor& old, const pb::Descriptor& message) {
    const pb::FieldDescriptor* now = message.FindFieldByNumber(old.number());
    const std::string what = "`" + old.name() + "` of " + message.full_name();
    const std::string number = std::to_string(old.number());
    if (now == nullptr) {
      const pb::FieldDescriptor* moved = find_field(message, old.name());
      if (moved != nullptr) {
        return breaks(*moved, "wire: " + what + " was number " + number + " and is " + std::to_string(moved->number()),
                      "give it its old number");
      }
      const bool reserved = message.IsReservedNumber(old.number());
      return breaks(message, std::string(reserved ? "JSON: " : "wire: ") + what + " is gone",
                    reserved ? "those who still send it are refused; mark it deprecated instead"
                             : "mark it deprecated; if it must go, reserve " + number);
    }
    if (old.json_name() != now->json_name()) {
      breaks(*now, "JSON: `" + old.json_name() + "` of " + message.full_name() + " is now `" + now->json_name() + "`",
             "keep the name, or `[json_name = \"" + old.json_name() + "\"]`");
    }
    compare_types(old, *now, what);
    compare_presence(old, *now, what);
    compare_behavior(old, *now, what);
  }

  void compare_types(const pb::FieldDescriptor& old, const pb::FieldDescriptor& now, const std::string& what) {
    const std::string change = what + " was " + type_text(old) + " and is " + type_text(now);
    const std::string hint = "add a new field instead";
    if (old.is_repeated() != now.is_repeated() || old.is_map() != now.is_map())
      return breaks(now, "wire: " + change, hint);
    if (old.is_map()) {
      compare_types(*old.message_type()->map_key(), *now.message_type()->map_key(), "the key of " + what);
      return compare_types(*old.message_type()->map_value(), *now.message_type()->map_value(), "the value of " + what);
    }
    if (wire_group(old) != wire_group(now)) return breaks(now, "wire: " + change, hint);
    if (old.message_type() != nullptr && old.message_type()->full_name() != now.message_type()->full_name()) {
      return breaks(now, "wire: " + change, hint);
    }
    if (json_form(old) != json_form(now)) return breaks(now, "JSON: " + change, hint);
    if (old.type() != now.type())
      add(Severity::warning, now, "wire: " + change + "; values that do not fit are cut", hint);
  }

  void compare_presence(const pb::FieldDescriptor& old, const pb::FieldDescriptor& now, const std::string& what) {
    const auto* before = old.real_containing_oneof();
    const auto* after = now.real_containing_oneof();
    const std::string in = before == nullptr ? "" : before->name();
    const std::string to = after == nullptr ? "" : after->name();
    if (in != to) {
      const std::string text = to.empty()   ? " left oneof `" + in + "`"
                               : in.empty() ? " is now in oneof `" + to + "`"
                                            : " moved to oneof `" + to + "`";
      return breaks(now, "wire: " + what + text, "add a new field instead");
    }
    if (old.is_required() != now.is_required()) {
      return breaks(now, "wire: " + what + (now.is_required() ? " is required now" : " was required"),
                    "leave its label as it was");
    }
    if (old.has_presence() && !now.has_presence() && !old.is_repeated()) {
      add(Severity::warning, now, "JSON: a zero in " + what + " can no longer be told from nothing", "keep `optional`");
    }
  }

  bool has(OptionReader& options, const pb::FieldDescriptor& field, FieldBehavior behavior) const {
    const std::vector<int> all = options.numbers(field.options(), "google.api.field_behavior");
    return std::ranges::find(all, static_cast<int>(behavior)) != all.end();
  }

  void compare_behavior(const pb::FieldDescriptor& old, const pb::FieldDescriptor& now, const std::string& what) {
    const auto gained = [&](FieldBehavior b) { return !has(old_options_, old, b) && has(now_options_, now, b); };
    if (gained(FieldBehavior::required))
      breaks(now, "GraphQL: " + what + " is required now", "leave it optional, and check it in the service");
    if (gained(FieldBehavior::output_only))
      breaks(now, "GraphQL: " + what + " is no input any more", "ignore it in the service instead");
    if (gained(FieldBehavior::input_only))
      breaks(now, "GraphQL: " + what + " is no output any more", "leave it empty in the service instead");
  }

  void check_new_field(const pb::Descriptor& old, const pb::FieldDescriptor& now) {
    if (old.FindFieldByNumber(now.number()) != nullptr || find_field(old, now.name()) != nullptr) return;
    const std::string what = "the new field `" + now.name() + "` of " + old.full_name() + " is required";
    if (now.is_required()) breaks(now, "wire: " + what, "make it optional");
    if (has(now_options_, now, FieldBehavior::required)) breaks(now, "GraphQL: " + what, "make it optional");
    if (old.IsReservedNumber(now.number())) {
      breaks(now, "wire: number " + std::to_string(now.number()) + " of " + old.full_name() + " was reserved",
             "take the next free number");
    }
  }

  void compare_enum(const pb::EnumDescriptor& old) {
    const pb::EnumDescriptor* now = now_.pool().FindEnumTypeByName(old.full_name());
    if (now == nullptr) return;  // its fields have changed their types, or are gone
    for (int i = 0; i < old.value_count(); ++i) {
      const pb::EnumValueDescriptor& value = *old.value(i);
      const pb::EnumValueDescriptor* same = now->FindValueByName(value.name());
      const std::string number = std::to_string(value.number());
      const std::string what = "`" + value.name() + "` of " + old.full_name();
      if (same != nullptr && same->number() != value.number()) {
        breaks(*now, "wire: " + what + " was " + number + " and is " + std::to_string(same->number()),
               "give it its old number");
      } else if (same == nullptr) {
        const pb::EnumValueDescriptor* renamed = now->FindValueByNumber(value.number());
        if (renamed == nullptr)
          breaks(*now, "wire: " + what + " is gone", "mark it deprecated; if it must go, reserve " + number);
        if (renamed != nullptr)
          breaks(*now, "JSON: " + what + " is now `" + renamed->name() + "`", "keep the old name as an alias");
      }
    }
  }

  const Contract& old_;
  const Contract& now_;
  OptionReader old_options_;
  OptionReader now_options_;
  std::vector<Diagnostic> out_;
};

}  // namespace

std::vector<Diagnostic> breaking_changes(const Contract& old, const Contract& now) {
  return Comparison(old, now).run();
}

}  // namespace parley::contract
