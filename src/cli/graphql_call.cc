#include "cli/graphql_call.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/text.h"
#include "edge/graphql/json_value.h"
#include "graphql/schema.h"

namespace parley::cli {
namespace {

using edge::graphql::JsonDocument;
using edge::graphql::JsonKind;
using edge::graphql::JsonValue;

constexpr int levels = 4;

// Every leaf of a type, `depth` levels down; joins and what takes required arguments are left out.
class Selection {
 public:
  std::string of(const graphql::NamedType& type, int depth) {
    if (type.is_leaf()) return "";
    std::string out = " { __typename";
    if (type.kind == graphql::TypeKind::union_type) {
      std::map<std::string_view, std::string> shapes;  // a name means one type in all members
      for (const graphql::UnionMember& member : type.members) {
        const std::string fields = this->fields(*member.type, depth - 1, &shapes);
        if (!fields.empty()) out += " ... on " + std::string(member.type->name) + " {" + fields + " }";
      }
      return out + " }";
    }
    const std::string fields = this->fields(type, depth, nullptr);
    return fields.empty() ? out + " }" : " {" + fields + " }";
  }

 private:
  std::string fields(const graphql::NamedType& type, int depth, std::map<std::string_view, std::string>* shapes) {
    std::string out;
    for (const graphql::Field& field : type.fields) {
      const bool deep = !field.type.named->is_leaf() && depth <= 1;
      if (deep || field.source == graphql::Source::join || field.source == graphql::Source::placeholder) continue;
      if (shapes != nullptr && shapes->emplace(field.name, field.type.text()).first->second != field.type.text())
        continue;
      out += " " + std::string(field.name) + of(*field.type.named, depth - 1);
    }
    return out;
  }
};

struct Root {
  const graphql::Field* field = nullptr;
  std::string_view keyword;
};

Root root_of(const graphql::Schema& schema, const contract::Method& method) {
  const std::pair<const graphql::NamedType*, std::string_view> roots[] = {
      {&schema.query(), "query"}, {schema.mutation(), "mutation"}, {schema.subscription(), "subscription"}};
  for (const auto& [type, keyword] : roots) {
    if (type == nullptr) continue;
    for (const graphql::Field& field : type->fields) {
      if (field.method == &method) return {&field, keyword};
    }
  }
  return {};
}

struct Arguments {
  std::string definitions;  // "$name: String!"
  std::string uses;         // "name: $name"
  std::string values;       // "\"name\": …"

  void add(const graphql::InputValue& argument, std::string_view value) {
    const std::string name(argument.name);
    const std::string comma = definitions.empty() ? "" : ", ";
    definitions += comma + "$" + name + ": " + argument.type.text();
    uses += comma + name + ": $" + name;
    values += comma + json_quoted(name) + ":" + std::string(value);
  }
};

Result<Arguments> arguments_of(const graphql::Field& field, const JsonValue& request) {
  Arguments out;
  if (field.arguments.size() == 1 && field.arguments[0].shape == graphql::InputShape::request) {
    out.add(field.arguments[0], request.raw());
    return out;
  }
  for (JsonValue member = request.first(); !member.is_end(); member = member.next()) {
    const graphql::InputValue* argument = field.argument(member.key());
    if (argument == nullptr) {
      std::string names;
      for (const graphql::InputValue& each : field.arguments) names.append(names.empty() ? "" : ", ").append(each.name);
      return invalid("the field " + std::string(field.name) + " has no argument '" + std::string(member.key()) +
                     "'; it has " + (names.empty() ? "none" : names));
    }
    out.add(*argument, member.raw());
  }
  return out;
}

// ---- the answer

// Prints one response; false if it has errors.
bool print_response(std::string_view text, const GraphqlRequest& request, const CallOptions& options) {
  const auto response = JsonDocument::parse(text);
  if (!response) {
    std::fprintf(stderr, "parley call: the answer is not JSON: %s\n", std::string(text.substr(0, 200)).c_str());
    return false;
  }
  const JsonValue errors = response->root().find("errors");
  for (JsonValue error = errors.first(); !error.is_end(); error = error.next()) {
    const std::string shown(options.json ? error.raw() : error.find("message").text());
    const std::string code(error.find("extensions").find("code").text());
    std::fprintf(stderr, "%s%s%s\n", options.json ? "" : code.c_str(), options.json || code.empty() ? "" : ": ",
                 shown.c_str());
  }
  const JsonValue value = response->root().find("data").find(request.field);
  if (!value.is_end() && !value.is(JsonKind::null)) std::printf("%s\n", std::string(value.raw()).c_str());
  std::fflush(stdout);
  return errors.is_end();
}

// One event of a stream. `fine`: it had no errors. True: it was the last.
bool print_event(std::string_view event, const GraphqlRequest& request, const CallOptions& options, bool& fine) {
  std::string_view type;
  std::string_view data;
  for (std::string_view line : split(event, '\n')) {
    if (line.starts_with("event: ")) type = line.substr(7);
    if (line.starts_with("data: ")) data = line.substr(6);
  }
  if (type == "next") fine = print_response(data, request, options) && fine;
  return type == "complete";
}

Task<Result<bool>> read_answer(net::ClientExchange& exchange, const GraphqlRequest& request,
                               const CallOptions& options) {
  std::string text;
  bool fine = true;
  for (;;) {
    auto chunk = co_await exchange.body().read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) break;
    text += (*chunk)->view();
    while (request.streams) {
      const std::size_t end = text.find("\n\n");
      if (end == std::string::npos) break;
      const bool last = print_event(std::string_view(text).substr(0, end), request, options, fine);
      text.erase(0, end + 2);
      if (last) co_return fine;
    }
  }
  if (request.streams) {
    co_return fail(Error(Code::unavailable, Blame::upstream, "the stream ended before it was complete"));
  }
  co_return print_response(text, request, options);
}

Task<Result<bool>> ask(mesh::Cluster& cluster, const GraphqlRequest& request, const Fields& metadata,
                       const CallOptions& options, Deadline deadline) {
  net::RequestHead head{.method = "POST", .scheme = {}, .authority = {}, .target = "/graphql", .fields = metadata};
  head.fields.add("content-type", "application/json");
  head.fields.add("accept", request.streams ? "text/event-stream" : "application/json");
  head.fields.add("content-length", std::to_string(request.body.size()));
  auto opened = co_await cluster.open(head, true, deadline);
  if (!opened) co_return fail(std::move(opened).error());
  net::ClientExchange& exchange = **opened;
  exchange.request_body().push(Bytes(request.body));
  exchange.finish();
  auto answer = co_await exchange.head();
  if (!answer) co_return fail(std::move(answer).error());
  if (options.verbose) {
    for (const Field f : (*answer)->fields) {
      std::fprintf(stderr, "< %s: %s\n", std::string(f.name).c_str(), std::string(f.value).c_str());
    }
  }
  const std::string_view type = (*answer)->fields.get("content-type");
  if (type.find("json") == std::string_view::npos && !type.starts_with("text/event-stream")) {
    co_return fail(Error(Code::unimplemented, Blame::upstream,
                         "HTTP status " + std::to_string((*answer)->status) + " at /graphql, and no GraphQL"));
  }
  co_return co_await read_answer(exchange, request, options);
}

}  // namespace

Result<GraphqlRequest> graphql_request(const contract::ContractPtr& contract, const contract::Method& method,
                                       const std::string& request) {
  const graphql::BuiltSchema built = graphql::Schema::build(contract);
  if (built.schema == nullptr) return invalid("the contract has no GraphQL schema: see `parley check`");
  const Root root = root_of(*built.schema, method);
  if (root.field == nullptr) return invalid(method.path.substr(1) + " is no field of the GraphQL schema");
  const auto given = JsonDocument::parse(request);
  if (!given) return invalid("the request is not JSON: " + given.error().message());
  if (!given->root().is(JsonKind::object)) return invalid("the request must be a JSON object");
  const auto arguments = arguments_of(*root.field, given->root());
  if (!arguments) return fail(arguments.error());
  const auto in_round = [](const std::string& list) { return list.empty() ? std::string() : "(" + list + ")"; };
  const std::string query = std::string(root.keyword) + in_round(arguments->definitions) + " { " +
                            std::string(root.field->name) + in_round(arguments->uses) +
                            Selection().of(*root.field->type.named, levels) + " }";
  return GraphqlRequest{.field = std::string(root.field->name),
                        .body = "{\"query\":" + json_quoted(query) + ",\"variables\":{" + arguments->values + "}}",
                        .streams = root.keyword == "subscription"};
}

Task<int> graphql_call(mesh::Cluster& cluster, const GraphqlRequest& request, const Fields& metadata,
                       const CallOptions& options, Deadline deadline) {
  const auto fine = co_await ask(cluster, request, metadata, options, deadline);
  if (!fine) std::fprintf(stderr, "%s\n", fine.error().text().c_str());
  co_return fine && *fine ? 0 : 1;
}

}  // namespace parley::cli
