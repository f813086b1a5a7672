#include "contract/http_binding.h"

#include <algorithm>
#include <array>

#include "base/nearest.h"
#include "contract/path_template.h"

namespace parley::contract {
namespace {

namespace pb = google::protobuf;
constexpr std::string_view option_name = "google.api.http";

struct VerbField {
  std::string_view field;
  std::string_view verb;
};
constexpr VerbField verb_fields[] = {
    {"get", "GET"}, {"put", "PUT"}, {"post", "POST"}, {"delete", "DELETE"}, {"patch", "PATCH"}};

constexpr std::array<std::string_view, 12> text_types = {
    "google.protobuf.Timestamp",   "google.protobuf.Duration",   "google.protobuf.FieldMask",
    "google.protobuf.StringValue", "google.protobuf.BytesValue", "google.protobuf.BoolValue",
    "google.protobuf.Int32Value",  "google.protobuf.Int64Value", "google.protobuf.UInt32Value",
    "google.protobuf.UInt64Value", "google.protobuf.FloatValue", "google.protobuf.DoubleValue"};

class Compiler {
 public:
  Compiler(const pb::MethodDescriptor& method, Reporter& report) : method_(method), report_(report) {}

  std::vector<HttpRule> run() {
    const auto option = report_.options().read(method_.options(), option_name);
    if (!option) return {assumed()};
    std::vector<HttpRule> rules;
    add(*option, rules);
    for (const OptionMessage& more : option->children("additional_bindings")) {
      if (more.has("additional_bindings"))
        error("an additional binding has bindings of its own", "put them all beside one another");
      add(more, rules);
    }
    return rules;
  }

 private:
  void error(std::string message, std::string hint) {
    report_.error(method_, option_name, std::move(message), std::move(hint));
  }

  HttpRule assumed() const {
    HttpRule rule;
    rule.verb = "POST";
    rule.pattern = "/" + method_.service()->full_name() + "/" + method_.name();
    rule.segments = {{Segment::Kind::literal, method_.service()->full_name()},
                     {Segment::Kind::literal, method_.name()}};
    rule.body = "*";
    rule.assumed = true;
    return rule;
  }

  void add(const OptionMessage& option, std::vector<HttpRule>& rules) {
    HttpRule rule;
    if (!read_pattern(option, rule)) return;
    rule.body = option.text("body");
    rule.response_body = option.text("response_body");
    auto parsed = parse_path_template(rule.pattern);
    if (!parsed) return template_error(rule, parsed.error());
    rule.segments = std::move(parsed->segments);
    rule.variables = std::move(parsed->variables);
    rule.colon_verb = std::move(parsed->colon_verb);
    // All are looked at, so that one run shows every mistake.
    bool good = check_variables(rule);
    good = check_body(rule) && good;
    good = check_response_body(rule) && good;
    if (good) rules.push_back(std::move(rule));
  }

  bool read_pattern(const OptionMessage& option, HttpRule& rule) {
    for (const VerbField& v : verb_fields) {
      if (!option.has(v.field)) continue;
      rule.verb = v.verb;
      rule.pattern = option.text(v.field);
      return true;
    }
    const auto custom = option.child("custom");
    if (!custom) {
      error("the binding has no verb", "write `get: \"/v1/…\"`, or put, post, patch, delete");
      return false;
    }
    rule.verb = custom->text("kind");
    rule.pattern = custom->text("path");
    const auto is_token = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("!#$%&'*+-.^_`|~").contains(c);
    };
    if (!rule.verb.empty() && std::ranges::all_of(rule.verb, is_token)) return true;
    error("`" + rule.verb + "` is no HTTP verb",
          "`custom: {kind: \"REPORT\" path: \"/v1/…\"}`; the kind `*` stands for all");
    return false;
  }

  void template_error(const HttpRule& rule, const TemplateError& e) {
    error("path \"" + rule.pattern + "\", column " + std::to_string(e.offset + 1) + ": " + e.message, e.hint);
  }

  bool check_variables(const HttpRule& rule) {
    bool good = true;
    for (const PathVariable& v : rule.variables) good = check_variable(rule, v) && good;
    return good;
  }

  bool check_variable(const HttpRule& rule, const PathVariable& v) {
    const pb::Descriptor& input = *method_.input_type();
    const std::string what = "path \"" + rule.pattern + "\": `{" + v.field_path + "}` ";
    const pb::FieldDescriptor* field = field_at(input, v.field_path);
    if (field == nullptr) {
      error(what + "names no field of " + input.full_name(), field_hint(input, v.field_path));
    } else if (field->is_repeated()) {
      error(what + "is a repeated field", "a path holds one value; lists go into the query or the body");
    } else if (!is_scalar_text(*field)) {
      error(what + "is a message, " + field->message_type()->full_name(),
            "name one of its fields: `{" + v.field_path + ".…}`");
    } else {
      return true;
    }
    return false;
  }

  // The nearest name at the place where the path goes wrong.
  static std::string field_hint(const pb::Descriptor& message, std::string_view path) {
    const std::size_t dot = path.find('.');
    const std::string head(path.substr(0, dot));
    const pb::FieldDescriptor* field = message.FindFieldByName(head);
    if (field == nullptr) {
      const pb::FieldDescriptor* camel = message.FindFieldByCamelcaseName(head);
      if (camel != nullptr) return "did you mean `" + camel->name() + "`?";
      std::string names;
      for (const std::string& n : field_names(message)) names += (names.empty() ? "" : ", ") + n;
      return did_you_mean(head, field_names(message), names.empty() ? "the message has no fields" : "it has " + names);
    }
    if (field->message_type() == nullptr || field->is_repeated()) return "`" + head + "` holds no message";
    return dot == std::string_view::npos ? "" : field_hint(*field->message_type(), path.substr(dot + 1));
  }

  bool check_body(const HttpRule& rule) {
    const bool bodyless = rule.verb == "GET" || rule.verb == "HEAD";
    if (!rule.body.empty() && bodyless) {
      error(rule.verb + " \"" + rule.pattern + "\" has a body", "leave `body` out, or use another verb");
      return false;
    }
    if (bodyless && method_.client_streaming()) {
      error(rule.verb + " \"" + rule.pattern + "\" cannot carry the stream that the rpc takes",
            "use `post` and `body: \"*\"`");
      return false;
    }
    if (method_.client_streaming() && rule.body.empty()) {
      error("the rpc takes a stream, and \"" + rule.pattern + "\" has no body to carry it", "write `body: \"*\"`");
      return false;
    }
    if (rule.body.empty() || rule.body == "*") return true;
    return check_field(*method_.input_type(), "body", rule.body);
  }

  bool check_response_body(const HttpRule& rule) {
    if (rule.response_body.empty()) return true;
    if (rule.response_body == "*") {
      error("`response_body: \"*\"` is no field", "leave it out: the whole reply is what is sent without it");
      return false;
    }
    return check_field(*method_.output_type(), "response_body", rule.response_body);
  }

  bool check_field(const pb::Descriptor& message, const std::string& what, const std::string& path) {
    if (field_at(message, path) != nullptr) return true;
    error("`" + what + ": \"" + path + "\"` names no field of " + message.full_name(), field_hint(message, path));
    return false;
  }

  const pb::MethodDescriptor& method_;
  Reporter& report_;
};

}  // namespace

std::vector<HttpRule> compile_bindings(const pb::MethodDescriptor& method, Reporter& report) {
  return Compiler(method, report).run();
}

const pb::FieldDescriptor* field_at(const pb::Descriptor& message, std::string_view path) {
  const pb::Descriptor* at = &message;
  for (;;) {
    const std::size_t dot = path.find('.');
    const pb::FieldDescriptor* field = at->FindFieldByName(std::string(path.substr(0, dot)));
    if (field == nullptr || dot == std::string_view::npos) return field;
    if (field->message_type() == nullptr || field->is_repeated()) return nullptr;
    at = field->message_type();
    path.remove_prefix(dot + 1);
  }
}

std::vector<std::string> field_names(const pb::Descriptor& message) {
  std::vector<std::string> names;
  for (int i = 0; i < message.field_count(); ++i) names.push_back(message.field(i)->name());
  return names;
}

bool is_scalar_text(const pb::FieldDescriptor& field) {
  if (field.is_repeated()) return false;
  return field.message_type() == nullptr ||
         std::ranges::find(text_types, field.message_type()->full_name()) != text_types.end();
}

}  // namespace parley::contract
