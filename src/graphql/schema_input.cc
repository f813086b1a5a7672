// Types of what callers give: arguments and input objects.
#include <algorithm>

#include "contract/graphql_names.h"
#include "graphql/schema_builder.h"
#include "graphql/schema_builder_text.h"

namespace parley::graphql {
namespace {

namespace pb = google::protobuf;

InputShape shape_of(const pb::FieldDescriptor& field, const NamedType& type) {
  if (field.is_map()) return InputShape::map;
  if (type.kind == TypeKind::enumeration) return InputShape::enumeration;
  return type.kind == TypeKind::input_object ? InputShape::object : InputShape::scalar;
}

}  // namespace

const NamedType* SchemaBuilder::input_of(const pb::Descriptor& message, bool request) {
  std::vector<std::string> names = type_names(message, "Input");
  constexpr std::string_view suffix = "Request";
  const std::string& short_name = message.name();
  if (request && short_name.size() > suffix.size() && short_name.ends_with(suffix) &&
      message.containing_type() == nullptr) {
    names.insert(names.begin(), short_name.substr(0, short_name.size() - suffix.size()) + "Input");
  }
  return draft(Role::input, &message, TypeKind::input_object, std::move(names),
               "message " + message.full_name() + " as input");
}

const NamedType* SchemaBuilder::one_of_of(const pb::OneofDescriptor& oneof) {
  return draft(Role::one_of, &oneof, TypeKind::input_object, type_names(oneof, "Input"),
               "oneof " + oneof.full_name() + " as input");
}

void SchemaBuilder::fill_input(const pb::Descriptor& message, NamedType& type) {
  type.message = &table(message);
  type.description = comment(message);
  std::vector<InputValue> inputs = inputs_of(message);
  if (inputs.empty()) {
    InputValue nothing;
    nothing.name = "_";
    nothing.description = "Ignored: GraphQL asks for a field, and there is none.";
    nothing.type = {scalar(Scalar::boolean), {}};
    nothing.shape = InputShape::placeholder;
    inputs.push_back(nothing);
  }
  set_inputs(type, inputs);
}

void SchemaBuilder::fill_one_of(const pb::OneofDescriptor& oneof, NamedType& type) {
  const pb::Descriptor& message = *oneof.containing_type();
  type.message = &table(message);
  type.description = comment(oneof);
  type.one_of = true;
  FieldNames names;
  std::vector<InputValue> inputs;
  for (int i = 0; i < oneof.field_count(); ++i) {
    const pb::FieldDescriptor& field = *oneof.field(i);
    if (has_behavior(field, contract::FieldBehavior::output_only)) continue;
    inputs.push_back(input_value(field, false));
    inputs.back().name = field_name(field.json_name(), field.name(), names, message.full_name());
  }
  set_inputs(type, inputs);
}

void SchemaBuilder::set_inputs(NamedType& type, std::vector<InputValue>& inputs) {
  const auto kept = schema_->arena_.copy(std::span<InputValue>(inputs));
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i].index = static_cast<std::uint32_t>(i);
  type.inputs = kept;
  type.names = NameIndex(kept, [](const InputValue& value) { return value.name; }, schema_->arena_);
}

std::vector<InputValue> SchemaBuilder::inputs_of(const pb::Descriptor& message) {
  FieldNames names;
  std::vector<InputValue> out;
  std::set<const pb::OneofDescriptor*> seen;
  for (int i = 0; i < message.field_count(); ++i) {
    const pb::FieldDescriptor& field = *message.field(i);
    if (has_behavior(field, contract::FieldBehavior::output_only)) continue;
    const pb::OneofDescriptor* oneof = field.real_containing_oneof();
    if (oneof == nullptr) {
      out.push_back(input_value(field, true));
      out.back().name = field_name(field.json_name(), field.name(), names, message.full_name());
    } else if (seen.insert(oneof).second) {
      InputValue one;
      one.description = comment(*oneof);
      one.type = {one_of_of(*oneof), {}};
      one.shape = InputShape::one_of;
      one.name = field_name(contract::lower_camel(oneof->name()), oneof->name(), names, message.full_name());
      out.push_back(one);
    }
  }
  return out;
}

InputValue SchemaBuilder::input_value(const pb::FieldDescriptor& field, bool can_require) {
  const Shown value = shown(field, true);
  const bool entry = field.containing_type()->options().map_entry();
  const bool required = can_require && !(value.nullable && !field.is_repeated()) &&
                        (entry || field.is_required() || has_behavior(field, contract::FieldBehavior::required));
  InputValue out;
  out.field = &table(field);
  out.description = comment(field);
  out.wrapped = value.wrapped;
  out.shape = shape_of(field, *value.type);
  Type type{value.type, {}};
  if (field.is_repeated()) type = (value.nullable ? type : type.in_non_null()).in_list();
  out.type = required ? type.in_non_null() : type;
  if (!required) out.deprecation = deprecation_of(field);  // what must be given cannot be on its way out
  return out;
}

// An input object that must hold itself, through fields that must be given, could never be written down: the field
// that closes such a ring may be left out (September 2025, Input Objects, Type Validation).
void SchemaBuilder::break_cycles() {
  enum class State { open, done };
  std::map<const NamedType*, State> states;
  const auto visit = [&](const auto& self, const NamedType& type) -> void {
    states[&type] = State::open;
    for (const InputValue& input : type.inputs) {
      const NamedType* next = input.type.named;
      if (!input.type.non_null() || input.type.nullable().list() || next->kind != TypeKind::input_object) continue;
      const auto known = states.find(next);
      if (known == states.end()) {
        self(self, *next);
      } else if (known->second == State::open) {
        const_cast<InputValue&>(input).type = input.type.nullable();
      }
    }
    states[&type] = State::done;
  };
  for (const Draft& each : drafts_) {
    if (each.type->kind == TypeKind::input_object && !states.contains(each.type)) visit(visit, *each.type);
  }
}

}  // namespace parley::graphql
