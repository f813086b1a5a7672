#include "contract/openapi.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <google/protobuf/descriptor.h>

#include "contract/comments.h"
#include "contract/http_binding.h"
#include "contract/json_tree.h"
#include "contract/openapi_path.h"
#include "contract/openapi_query.h"
#include "contract/openapi_schema.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;

constexpr const char* ndjson = "application/x-ndjson";
constexpr const char* event_stream = "text/event-stream";
constexpr std::string_view http_body = "google.api.HttpBody";

// The verbs that a path item of OpenAPI 3.1 has a place for. A rule for every verb stands at the first five.
constexpr const char* openapi_verbs[] = {"GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"};

std::vector<std::string> verbs_of(const HttpRule& rule) {
  if (rule.verb == "*") return {"get", "put", "post", "delete", "patch"};
  const bool known = std::ranges::find(openapi_verbs, rule.verb) != std::end(openapi_verbs);
  if (!known) return {};
  std::string lower = rule.verb;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return {lower};
}

bool is_http_body(const pb::Descriptor* message) { return message != nullptr && message->full_name() == http_body; }

JsonTree binary() { return {{"schema", JsonTree{{"type", "string"}, {"format", "binary"}}}}; }

JsonTree text_stream(const char* what, const std::string& item, const JsonTree& item_schema) {
  const std::string description = std::string(what) + " One `" + item + "` each.";
  return {{"schema", JsonTree{{"type", "string"}, {"description", description}}}, {"x-itemSchema", item_schema}};
}

// RFC 7578: a file from a page.
JsonTree form(const std::string& part) {
  const JsonTree file = {{"type", "string"}, {"format", "binary"}};
  return {{"schema", JsonTree{{"type", "object"}, {"properties", JsonTree{{part, file}}}}}};
}

class Document {
 public:
  Document(const Contract& contract, const OpenApiInfo& info)
      : contract_(contract), info_(info), schemas_(contract.pool()) {}

  JsonTree build() {
    JsonTree root = {{"openapi", "3.1.0"}};
    root.set("info", info());
    root.set("servers", JsonTree::list({JsonTree{{"url", info_.server_url}}}));
    root.set("security", JsonTree(JsonTree::Array{}));
    root.set("tags", tags());
    JsonTree paths;
    for (const Service& service : contract_.services()) {
      for (const Method& method : service.methods) add_method(method, paths);
    }
    root.set("paths", paths);
    JsonTree components;
    components.set("schemas", schemas());
    components.set("responses", JsonTree{{"Problem", problem_response()}});
    root.set("components", components);
    return root;
  }

 private:
  JsonTree info() const {
    std::string title = info_.title;
    if (title.empty()) {
      std::set<std::string> packages;
      for (const Service& s : contract_.services()) packages.insert(s.descriptor->file()->package());
      for (const std::string& p : packages) title += (title.empty() || p.empty() ? "" : ", ") + p;
    }
    JsonTree out = {{"title", title.empty() ? "API" : title}, {"version", info_.version}};
    out.set_text("description", info_.description);
    return out;
  }

  // Short where no other package has a service of that name.
  std::string tag_of(const pb::ServiceDescriptor& service) const {
    const auto same = [&](const Service& s) { return s.descriptor->name() == service.name(); };
    return std::ranges::count_if(contract_.services(), same) > 1 ? service.full_name() : service.name();
  }

  JsonTree tags() const {
    JsonTree out(JsonTree::Array{});
    for (const Service& s : contract_.services()) {
      const std::string comment = comment_of(*s.descriptor);
      out.push({{"name", tag_of(*s.descriptor)},
                {"description", comment.empty() ? "The service " + s.name + "." : comment}});
    }
    return out;
  }

  void add_method(const Method& method, JsonTree& paths) {
    if (!method.not_served.empty()) return;
    int count = 0;
    for (const HttpRule& rule : method.rules) {
      const OpenApiPath path = names_.convert(rule);
      for (const std::string& verb : verbs_of(rule)) {
        ++count;
        paths[path.path].set(verb, operation(method, rule, path, count));
      }
    }
  }

  JsonTree operation(const Method& method, const HttpRule& rule, const OpenApiPath& path, int count) {
    const std::string tag = tag_of(*method.descriptor->service());
    const std::string comment = comment_of(*method.descriptor);
    JsonTree out = {{"tags", JsonTree::list({tag})}};
    out.set("summary", comment.empty() ? spaced_name(method.name) : first_sentence(comment));
    if (comment != first_sentence(comment) + ".") out.set_text("description", comment);
    out.set("operationId", tag + "_" + method.name + (count > 1 ? "_" + std::to_string(count) : ""));
    if (method.deprecated) out.set("deprecated", true);
    JsonTree all = path_parameters(method, rule, path);
    for (JsonTree& p : query_parameters(*method.descriptor->input_type(), rule, schemas_)) all.push(std::move(p));
    if (!all.empty()) out.set("parameters", all);
    if (!rule.body.empty()) add_body(method, rule, out);
    out.set("responses", responses(method, rule));
    out.set("x-grpc-method", method.path);
    return out;
  }

  JsonTree path_parameters(const Method& method, const HttpRule& rule, const OpenApiPath& path) {
    JsonTree out(JsonTree::Array{});
    for (const PathParameter& p : path.parameters) {
      JsonTree parameter = {{"name", p.name}, {"in", "path"}, {"required", true}};
      const pb::FieldDescriptor* field =
          p.variable == nullptr ? nullptr : field_at(*method.descriptor->input_type(), p.variable->field_path);
      std::string description;
      JsonTree schema = {{"type", "string"}};
      if (field != nullptr) {
        const std::string form = variable_form(path, rule, *p.variable);
        description = comment_of(*field);
        if (!form.empty())
          description +=
              (description.empty() ? "" : "\n\n") + ("A part of `" + p.variable->field_path + "`: `" + form + "`.");
        if (form.empty()) schema = schemas_.value(*field);
      }
      if (p.rest) description += (description.empty() ? "" : "\n\n") + std::string("May hold slashes.");
      parameter.set_text("description", description);
      parameter.set("schema", schema);
      out.push(std::move(parameter));
    }
    return out;
  }

  void add_body(const Method& method, const HttpRule& rule, JsonTree& operation) {
    const pb::Descriptor& input = *method.descriptor->input_type();
    const pb::FieldDescriptor* field = rule.body == "*" ? nullptr : field_at(input, rule.body);
    const pb::Descriptor* message = field == nullptr ? &input : field->is_repeated() ? nullptr : field->message_type();
    JsonTree content;
    if (is_http_body(message)) {
      content.set("*/*", binary());
      content.set("multipart/form-data", form(field == nullptr ? "file" : field->json_name()));
    } else {
      const JsonTree schema = message == nullptr ? schemas_.field(*field) : body_schema(*message, rule);
      const std::string name = message == nullptr ? rule.body : message->name();
      if (method.client_streaming) {
        content.set(ndjson, text_stream("One JSON value a line.", name, schema));
      } else {
        content.set("application/json", JsonTree{{"schema", schema}});
      }
    }
    JsonTree body;
    if (field != nullptr) body.set_text("description", comment_of(*field));
    body.set("content", content);
    const bool required =
        field == nullptr ? input.field_count() > 0 : schemas_.has_behavior(*field, FieldBehavior::required);
    if (required || method.client_streaming) body.set("required", true);
    operation.set("requestBody", body);
  }

  // Without the fields that the path gives. A PATCH may leave out whatever it does not change.
  JsonTree body_schema(const pb::Descriptor& message, const HttpRule& rule) {
    const std::string prefix = rule.body == "*" ? "" : rule.body + ".";
    std::set<std::string> bound;
    for (const PathVariable& v : rule.variables) {
      const bool within = v.field_path.starts_with(prefix) && !v.field_path.substr(prefix.size()).contains('.');
      if (within) bound.insert(v.field_path.substr(prefix.size()));
    }
    const bool partial = rule.verb == "PATCH";
    if (well_known_schema(message.full_name()) != nullptr || (bound.empty() && !partial))
      return schemas_.message(message);
    return schemas_.object(message, bound, partial);
  }

  JsonTree responses(const Method& method, const HttpRule& rule) {
    const pb::Descriptor& output = *method.descriptor->output_type();
    const pb::FieldDescriptor* field = rule.response_body.empty() ? nullptr : field_at(output, rule.response_body);
    const pb::Descriptor* message = field == nullptr ? &output : field->is_repeated() ? nullptr : field->message_type();
    JsonTree content;
    if (is_http_body(message)) {
      content.set("*/*", binary());
    } else {
      const JsonTree schema = field == nullptr ? schemas_.message(output) : schemas_.field(*field);
      const std::string name = message == nullptr ? rule.response_body : message->name();
      if (method.server_streaming) {
        content.set(ndjson, text_stream("One JSON value a line.", name, schema));
        content.set(event_stream, text_stream("Server-sent events.", name, schema));
      } else {
        content.set("application/json", JsonTree{{"schema", schema}});
      }
    }
    const std::string comment = comment_of(output);
    const JsonTree problem = {{"$ref", "#/components/responses/Problem"}};
    if (method.queue) return {{"202", accepted(content)}, {"4XX", problem}, {"default", problem}};
    JsonTree ok = {{"description", comment.empty() ? "OK." : comment}, {"content", content}};
    return {{"200", ok}, {"4XX", problem}, {"default", problem}};
  }

  static JsonTree accepted(const JsonTree& content) {
    const JsonTree location = {{"description", "Where the state of the call can be asked."},
                               {"schema", JsonTree{{"type", "string"}, {"format", "uri-reference"}}}};
    return {{"description", "The call is stored, and will be carried out."},
            {"headers", JsonTree{{"Location", location}}},
            {"content", content}};
  }

  // RFC 9457; `Accept: application/json` gets the form that Google's clients know.
  JsonTree problem_response() {
    const JsonTree ref = {{"$ref", "#/components/schemas/Problem"}};
    const JsonTree status = {{"$ref", "#/components/schemas/Status"}};
    return {{"description", "What went wrong."},
            {"content", JsonTree{{"application/problem+json", JsonTree{{"schema", ref}}},
                                 {"application/json", JsonTree{{"schema", status}}}}}};
  }

  static JsonTree problem_schema() {
    const auto text = [](const char* description) {
      return JsonTree{{"type", "string"}, {"description", description}};
    };
    JsonTree properties = {
        {"type", text("A URI that names the kind of problem.")},
        {"title", text("The kind of problem in words.")},
        {"status", JsonTree{{"type", "integer"}, {"format", "int32"}, {"description", "The HTTP status."}}},
        {"detail", text("What is wrong with this call.")},
        {"instance", text("The path of the call.")},
        {"code", text("The canonical code, such as `NOT_FOUND`.")},
        {"reason", text("A stable word for programs, such as `no_route`.")},
        {"details", JsonTree{{"type", "array"},
                             {"description", "Messages of google.rpc, such as BadRequest."},
                             {"items", *well_known_schema("google.protobuf.Any")}}},
    };
    return {{"type", "object"},
            {"description", "A problem, as RFC 9457 has it."},
            {"properties", properties},
            {"additionalProperties", true}};
  }

  static JsonTree status_schema() {
    JsonTree properties = {
        {"code", JsonTree{{"type", "integer"}, {"format", "int32"}, {"description", "A number of google.rpc.Code."}}},
        {"message", JsonTree{{"type", "string"}, {"description", "What is wrong with this call."}}},
        {"details", JsonTree{{"type", "array"}, {"items", *well_known_schema("google.protobuf.Any")}}},
    };
    return {{"type", "object"},
            {"description", "How a call ended, as google.rpc.Status has it."},
            {"properties", properties}};
  }

  JsonTree schemas() {
    JsonTree out = schemas_.components();
    if (out.find("Problem") == nullptr) out.set("Problem", problem_schema());
    if (out.find("Status") == nullptr) out.set("Status", status_schema());
    return out;
  }

  const Contract& contract_;
  const OpenApiInfo& info_;
  SchemaBook schemas_;
  PathNames names_;
};

}  // namespace

std::string openapi_json(const Contract& contract, const OpenApiInfo& info) {
  return Document(contract, info).build().text();
}

}  // namespace parley::contract
