#include "route/http/http_request.h"

#include <simdjson.h>

#include "call/header_rules.h"
#include "contract/transcode.h"
#include "contract/wire_records.h"
#include "loop/shard.h"
#include "route/http/http_body.h"
#include "route/http/path_fields.h"
#include "wire/base64.h"
#include "wire/timeout.h"

namespace parley::route {
namespace {

using contract::HttpRule;
using contract::MessageTable;

struct Built {
  std::string path;
  std::set<std::string, std::less<>> bound;  // by the path: dotted JSON names
  const HttpRule* rule = nullptr;
};

// The first rule whose path the message fills; the first rule's error if there is none.
Result<Built> choose_rule(const contract::Method& method, const JsonMessage& message) {
  std::optional<Error> first;
  for (const HttpRule& rule : method.rules) {
    // What is not set does not choose an additional binding.
    Result<std::string> path = fill_path(rule, message, &rule == &method.rules.front());
    if (!path) {
      if (!first) first = std::move(path).error();
      continue;
    }
    Built built{.path = std::move(*path), .bound = {}, .rule = &rule};
    for (const contract::PathVariable& v : rule.variables) built.bound.insert(json_path(message.table, v.field_path));
    return built;
  }
  if (first) return fail(std::move(*first));
  return fail(Error(Code::unimplemented, Blame::us, "the method has no HTTP rule").with_reason("no_rule"));
}

net::RequestHead head_of(const Call& call, const HttpRule& rule) {
  net::RequestHead head;
  head.method = rule.verb == "*" ? "POST" : rule.verb;
  const std::string_view trace = call.trace.traceparent();
  for (const Field field : call.metadata) {
    if (!passes_upstream(field.name) || (!trace.empty() && field.name == "traceparent")) continue;
    if (wire::is_bin(field.name)) {
      wire::add_bin_encoded(head.fields, field.name, field.value);
    } else {
      head.fields.add(field.name, field.value);
    }
  }
  if (!trace.empty()) head.fields.add("traceparent", trace);
  // HTTP has no field for it; this is the one our REST edge reads, so that it holds through several of us.
  if (const auto left = call.deadline().left(Shard::current().now())) {
    head.fields.add("grpc-timeout", wire::format_grpc_timeout(*left));
  }
  const bool stream = call.method().server_streaming;
  head.fields.add(
      "accept", stream ? "application/x-ndjson, text/event-stream;q=0.9, application/json;q=0.8" : "application/json");
  return head;
}

std::unexpected<Error> our_bug(simdjson::error_code code) {
  return fail(Error(Code::internal, Blame::us, std::string("reading our own JSON: ") + simdjson::error_message(code)));
}

// The message as JSON and parsed; both live until the next call on this thread.
Result<simdjson::dom::element> parsed(const MessageTable& table, std::string_view message, std::string& json) {
  static thread_local simdjson::dom::parser parser;
  json.clear();
  if (Result<void> done = contract::wire_to_json(table, message, json); !done) return fail(std::move(done).error());
  simdjson::dom::element element;
  if (const auto code = parser.parse(json).get(element); code != simdjson::SUCCESS) return our_bug(code);
  return element;
}

bool is_http_body(const MessageTable& table) { return table.full_name() == "google.api.HttpBody"; }

Result<void> add_body(HttpRequest& request, const JsonMessage& json, std::string_view message, const Built& built) {
  const std::string& body = built.rule->body;
  if (body.empty()) return {};
  const contract::FieldTable* field = body == "*" ? nullptr : contract::find_field(json.table, body);
  const MessageTable* type = body == "*" ? &json.table : field == nullptr ? nullptr : field->message;
  if (type != nullptr && is_http_body(*type) && (field == nullptr || !field->repeated)) {
    const std::string_view raw = field == nullptr ? message : last_record(message, field->number);
    HttpBodyView view = read_http_body(raw);
    request.head.fields.add("content-type", view.content_type.empty() ? "application/octet-stream" : view.content_type);
    request.body = Bytes::copy_of(view.data);
    return {};
  }
  std::string text;
  if (body == "*") {
    append_without(json.json, built.bound, text);
  } else if (Result<void> done = contract::field_to_json(json.table, body, message, text); !done) {
    return done;
  }
  request.head.fields.add("content-type", "application/json");
  request.body = Bytes(std::move(text));
  return {};
}

}  // namespace

Result<HttpRequest> http_request(const Call& call, std::string_view message, std::string_view base_path) {
  const contract::Method& method = call.method();
  static thread_local std::string text;
  const Result<simdjson::dom::element> element = parsed(*method.input, message, text);
  if (!element) return fail(element.error());
  const JsonMessage json{.json = *element, .table = *method.input};
  Result<Built> built = choose_rule(method, json);
  if (!built) return fail(std::move(built).error());

  HttpRequest request;
  request.rule = built->rule;
  request.head = head_of(call, *built->rule);
  request.head.target = std::string(base_path) + built->path;
  if (Result<void> done = add_body(request, json, message, *built); !done) return fail(std::move(done).error());
  if (built->rule->body == "*") return request;
  std::set<std::string, std::less<>> without = std::move(built->bound);
  if (!built->rule->body.empty()) without.insert(json_path(json.table, built->rule->body));
  Result<std::string> query = query_of(json, without);
  if (!query) return fail(std::move(query).error());
  if (!query->empty()) request.head.target.append("?").append(*query);
  return request;
}

Result<HttpRequest> http_stream_request(const Call& call, std::string_view first_message, std::string_view base_path) {
  const contract::Method& method = call.method();
  static thread_local std::string text;
  const Result<simdjson::dom::element> element = parsed(*method.input, first_message, text);
  if (!element) return fail(element.error());
  Result<Built> built = choose_rule(method, JsonMessage{.json = *element, .table = *method.input});
  if (!built) return fail(std::move(built).error());
  HttpRequest request;
  request.rule = built->rule;
  request.head = head_of(call, *built->rule);
  request.head.target = std::string(base_path) + built->path;
  request.head.fields.add("content-type", "application/x-ndjson");
  return request;
}

Result<Bytes> ndjson_line(const MessageTable& table, std::string_view message) {
  std::string line;
  if (Result<void> done = contract::wire_to_json(table, message, line); !done) return fail(std::move(done).error());
  line += '\n';
  return Bytes(std::move(line));
}

}  // namespace parley::route
