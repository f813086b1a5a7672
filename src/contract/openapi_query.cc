#include "contract/openapi_query.h"

#include <algorithm>

#include <google/protobuf/descriptor.pb.h>

#include "contract/comments.h"
#include "contract/http_binding.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;
constexpr std::size_t max_depth = 5;

// Their value in a query is JSON text.
bool is_json_text(const pb::Descriptor& message) {
  const std::string& name = message.full_name();
  return name == "google.protobuf.Struct" || name == "google.protobuf.Value" || name == "google.protobuf.ListValue";
}

class Collector {
 public:
  Collector(const HttpRule& rule, SchemaBook& schemas) : rule_(rule), schemas_(schemas) {}

  std::vector<JsonTree> run(const pb::Descriptor& request) {
    if (rule_.body != "*") walk(request, "", "");
    return std::move(out_);
  }

 private:
  void walk(const pb::Descriptor& message, const std::string& proto_prefix, const std::string& json_prefix) {
    above_.push_back(&message);
    for (int i = 0; i < message.field_count(); ++i) {
      const pb::FieldDescriptor& field = *message.field(i);
      const std::string path = proto_prefix + field.name();
      if (is_taken(path) || has_taken_sibling(field, proto_prefix)) continue;
      if (schemas_.has_behavior(field, FieldBehavior::output_only)) continue;
      add(field, path, json_prefix + field.json_name());
    }
    above_.pop_back();
  }

  bool is_taken(const std::string& path) const {
    const auto same = [&](const PathVariable& v) { return v.field_path == path; };
    return path == rule_.body || std::ranges::any_of(rule_.variables, same);
  }

  bool has_taken_sibling(const pb::FieldDescriptor& field, const std::string& prefix) const {
    const pb::OneofDescriptor* oneof = field.real_containing_oneof();
    if (oneof == nullptr) return false;
    for (int i = 0; i < oneof->field_count(); ++i) {
      if (is_taken(prefix + oneof->field(i)->name())) return true;
    }
    return false;
  }

  void add(const pb::FieldDescriptor& field, const std::string& path, const std::string& name) {
    const pb::Descriptor* message = field.message_type();
    if (field.is_map()) {
      const pb::FieldDescriptor& value = *message->map_value();
      if (!is_scalar_text(value)) return;
      JsonTree& parameter = put(field, name);
      parameter.set("style", "deepObject");
      parameter.set("explode", true);
      parameter.set("schema", JsonTree{{"type", "object"}, {"additionalProperties", schemas_.value(value)}});
    } else if (message == nullptr || well_known_scalar(*message)) {
      JsonTree schema = schemas_.value(field);
      if (field.is_repeated()) schema = JsonTree{{"type", "array"}, {"items", schema}};
      put(field, name).set("schema", schema);
    } else if (is_json_text(*message) && !field.is_repeated()) {
      put(field, name).set("content", JsonTree{{"application/json", JsonTree{{"schema", schemas_.value(field)}}}});
    } else if (!field.is_repeated() && well_known_schema(message->full_name()) == nullptr &&
               above_.size() < max_depth && std::ranges::find(above_, message) == above_.end()) {
      walk(*message, path + ".", name + ".");
    }
  }

  static bool well_known_scalar(const pb::Descriptor& message) {
    const JsonTree* schema = well_known_schema(message.full_name());
    return schema != nullptr && !is_json_text(message) && message.name() != "Any" && message.name() != "Empty";
  }

  JsonTree& put(const pb::FieldDescriptor& field, const std::string& name) {
    JsonTree parameter = {{"name", name}, {"in", "query"}};
    parameter.set_text("description", comment_of(field));
    // Of a nested field only if its message is given, which a query cannot say.
    if (above_.size() == 1 && schemas_.has_behavior(field, FieldBehavior::required)) parameter.set("required", true);
    if (field.options().deprecated()) parameter.set("deprecated", true);
    out_.push_back(std::move(parameter));
    return out_.back();
  }

  const HttpRule& rule_;
  SchemaBook& schemas_;
  std::vector<const pb::Descriptor*> above_;  // the messages a field lies in: a type that holds itself ends there
  std::vector<JsonTree> out_;
};

}  // namespace

std::vector<JsonTree> query_parameters(const pb::Descriptor& request, const HttpRule& rule, SchemaBook& schemas) {
  return Collector(rule, schemas).run(request);
}

}  // namespace parley::contract
