// Query, Mutation and Subscription: a field for each rpc.
#include <algorithm>

#include "contract/graphql_names.h"
#include "graphql/schema_builder.h"
#include "graphql/schema_builder_text.h"

namespace parley::graphql {
namespace {

namespace pb = google::protobuf;

constexpr std::string_view graphql_option = "parley.graphql";

}  // namespace

bool SchemaBuilder::is_shown(const contract::Method& method) {
  if (options_.shown && !options_.shown(method)) return false;
  const auto& options = method.descriptor->options();
  if (reverse_.contains(&method) || reader_.has(options, "parley.subscribe")) return false;
  const auto option = reader_.read(options, graphql_option);
  return !option || option->number("hide") == 0;
}

void SchemaBuilder::build_roots() {
  std::map<std::string_view, std::vector<const contract::Method*>> by_root;
  for (const auto* services : {&contract_.services(), &contract_.event_services()}) {
    for (const contract::Service& service : *services) {
      for (const contract::Method& method : service.methods) {
        if (is_shown(method)) by_root[contract::graphql_root(*method.descriptor)].push_back(&method);
      }
    }
  }
  schema_->query_ = root("Query", by_root["Query"], "What can be read.");
  if (!by_root["Mutation"].empty())
    schema_->mutation_ = root("Mutation", by_root["Mutation"], "What can be changed. Carried out one after another.");
  if (!by_root["Subscription"].empty())
    schema_->subscription_ = root("Subscription", by_root["Subscription"], "What can be followed.");
}

NamedType* SchemaBuilder::root(const char* name, const std::vector<const contract::Method*>& methods,
                               const char* description) {
  auto* const type = schema_->arena_.make<NamedType>();
  type->kind = TypeKind::object;
  type->name = name;
  type->description = description;
  std::vector<Naming> namings;
  std::vector<Naming*> all;
  namings.reserve(methods.size());
  for (const contract::Method* method : methods) {
    std::vector<std::string> choices = root_names(*method->descriptor);
    const auto option = reader_.read(method->descriptor->options(), graphql_option);
    if (option && is_name(option->text("name"))) choices = {option->text("name")};
    namings.push_back({std::move(choices), "", method->service + "/" + method->name});
    all.push_back(&namings.back());
  }
  for (const auto& [one, other] : choose_names(all, {})) {
    const auto at = static_cast<std::size_t>(one - namings.data());
    error_at(*methods[at]->descriptor, one->what + " would be `" + one->chosen + "` of " + name + ", as " + other->what,
             "rename one of them, or give it a name: `option (parley.graphql) = {name: \"…\"};`");
  }
  std::vector<Field> fields;
  for (std::size_t i = 0; i < methods.size(); ++i) fields.push_back(root_field(*methods[i], keep(namings[i].chosen)));
  set_fields(*type, fields);
  return type;
}

Field SchemaBuilder::root_field(const contract::Method& method, std::string_view name) {
  const pb::MethodDescriptor& descriptor = *method.descriptor;
  Field out;
  out.name = name;
  out.source = Source::rpc;
  out.method = &method;
  out.description = comment(descriptor);
  out.deprecation = deprecation_of(descriptor);
  out.read_mask = read_mask(method);
  const auto option = reader_.read(descriptor.options(), graphql_option);
  const pb::FieldDescriptor* unwrap =
      option ? descriptor.output_type()->FindFieldByName(option->text("unwrap")) : nullptr;
  if (unwrap == nullptr) {
    out.type = {object_of(*descriptor.output_type()), {}};
  } else {
    const Field inner = output_field(*unwrap);
    out.unwrap = &table(*unwrap);
    out.wrapped = inner.wrapped;
    out.map = inner.map;
    out.type = inner.type.nullable();  // the call can fail
  }
  std::vector<InputValue> arguments = root_arguments(method);
  set_arguments(out, arguments);
  return out;
}

std::vector<InputValue> SchemaBuilder::root_arguments(const contract::Method& method) {
  const pb::Descriptor& request = *method.descriptor->input_type();
  if (contract::graphql_root(*method.descriptor) != "Mutation") return inputs_of(request);
  if (request.field_count() == 0) return {};
  InputValue input;
  input.name = "input";
  input.shape = InputShape::request;
  input.type = Type{input_of(request, true), {}}.in_non_null();
  return {input};
}

const contract::FieldTable* SchemaBuilder::read_mask(const contract::Method& method) const {
  if (method.idempotency != contract::Idempotency::no_side_effects) return nullptr;
  for (const char* name : {"read_mask", "field_mask"}) {
    const contract::FieldTable* field = method.input->by_name(name);
    if (field != nullptr && !field->repeated && field->message != nullptr &&
        field->message->well_known() == contract::WellKnown::field_mask)
      return field;
  }
  return nullptr;
}

}  // namespace parley::graphql
