#include "edge/graphql/graphql_edge.h"

#include "call/header_rules.h"
#include "edge/graphql/errors.h"
#include "edge/graphql/event_stream.h"
#include "edge/graphql/page.h"
#include "loop/shard.h"
#include "wire/base64.h"
#include "wire/media_type.h"
#include "wire/timeout.h"

namespace parley::edge {

namespace ql = parley::graphql;
using graphql::Accepted;
using graphql::HttpReply;
using graphql::Media;

namespace {

constexpr std::string_view methods = "GET, POST";

Error bad_header(std::string_view name, std::string_view why) {
  return Error(Code::invalid_argument, Blame::caller, "header " + std::string(name) + ": " + std::string(why))
      .with_reason("malformed_header");
}

Result<void> read_deadline(const Fields& fields, Duration timeout, Deadline& deadline) {
  if (const auto text = fields.find("grpc-timeout")) {
    const auto parsed = wire::parse_grpc_timeout(*text);
    if (!parsed)
      return fail(bad_header("grpc-timeout", "up to eight digits and a unit are expected, as in 500m or 2S"));
    timeout = *parsed;
    if (timeout <= Duration::zero()) {
      return fail(Error(Code::deadline_exceeded, Blame::caller, "the deadline had passed when the request came"));
    }
  }
  if (timeout > Duration::zero()) deadline = Deadline::after(Shard::current().now(), timeout);
  return {};
}

// Metadata, caller and deadline of every call that is made for the request.
Result<graphql::CallContext> read_context(const net::ServerExchange& exchange, Duration timeout) {
  graphql::CallContext context;
  for (const Field field : exchange.request().fields) {
    if (!passes(field.name, Direction::request)) continue;
    if (!wire::is_bin(field.name)) {
      context.metadata.add(field.name, field.value);
    } else if (!wire::add_bin_decoded(context.metadata, field.name, field.value)) {
      return fail(bad_header(field.name, "not base64"));
    }
  }
  context.caller.address = exchange.peer().address;
  context.caller.subject = exchange.peer().subject;
  if (auto read = read_deadline(exchange.request().fields, timeout, context.deadline); !read) {
    return fail(std::move(read).error());
  }
  return context;
}

// JSON in UTF-8 is all that is taken.
bool is_json(const net::RequestHead& request) {
  const auto type = wire::parse_media_type(request.fields.get("content-type"));
  if (!type || type->essence != "application/json") return false;
  const std::string* charset = type->find("charset");
  return charset == nullptr || wire::lower_case(*charset) == "utf-8";
}

struct Refused {
  std::string_view reason;
  int status;
};
// What is no GraphQL request at all has a status of its own, whatever the media type.
constexpr Refused http_refusals[] = {{"message_too_large", 413}, {"unsupported_encoding", 415}};

int status_of(const Error& error) {
  for (const Refused& row : http_refusals) {
    if (row.reason == error.reason()) return row.status;
  }
  return 400;
}

// The client went away: nobody waits for the operation any more.
class Link {
 public:
  Link(net::ServerExchange& exchange, graphql::Operation& operation) : exchange_(exchange), operation_(operation) {
    exchange_.on_broken(
        [](void* self) {
          const auto* link = static_cast<Link*>(self);
          link->operation_.cancel(*link->exchange_.broken());
        },
        this);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { exchange_.on_broken(nullptr, nullptr); }

 private:
  net::ServerExchange& exchange_;
  graphql::Operation& operation_;
};

Task<Result<void>> read_request(net::ServerExchange& exchange, const GraphqlOptions& options,
                                graphql::ParsedRequest& request) {
  if (exchange.request().method == "GET") co_return request.read_query(exchange.request().query());
  auto body = co_await graphql::read_body(exchange, options.max_message);
  if (!body) co_return fail(std::move(body).error());
  co_return request.read_body(std::move(*body));
}

// Whether it names a document at all, by its text or its hash.
Result<void> check_document(const graphql::ParsedRequest& request) {
  const auto hash = request.persisted_hash();
  if (!hash) return fail(hash.error());
  if (!hash->empty() || !request.query.empty()) return {};
  return fail(Error(Code::invalid_argument, Blame::caller, "Must provide a \"query\".").with_reason("no_query"));
}

}  // namespace

GraphqlEdge::GraphqlEdge(const Front& front, GraphqlOptions options, graphql::SchemaSource schema,
                         std::shared_ptr<const graphql::PersistedDocuments> persisted)
    : options_(std::move(options)), engine_(front, options_, std::move(schema), std::move(persisted)) {}

void GraphqlEdge::preflight(net::ServerExchange& exchange) const {
  static const std::vector<std::string> allowed = {"GET", "POST"};
  auto head = options_.cors ? options_.cors->preflight(exchange.request(), allowed) : std::nullopt;
  if (!head) head = net::ResponseHead{.status = 204, .fields = {{"allow", methods}}};
  exchange.respond(std::move(*head));
  exchange.finish();
}

Task<void> GraphqlEdge::serve(net::ServerExchange& exchange) {
  const net::RequestHead& request = exchange.request();
  HttpReply reply(exchange, options_);
  if (request.method == "OPTIONS") {
    preflight(exchange);
    co_return;
  }
  const std::string_view accept = request.fields.get("accept");
  const bool is_get = request.method == "GET";
  if (options_.page && is_get && graphql::wants_page(accept) &&
      request.query().find("query=") == std::string_view::npos) {
    reply.whole(200, "text/html; charset=utf-8", graphql::page_html(), graphql::page_fields());
    co_return;
  }
  const auto accepted = graphql::negotiate(accept);
  if (!accepted) {
    const auto error = graphql::request_error(
        "The answer would be application/graphql-response+json, application/json or text/event-stream.",
        "not_acceptable");
    reply.refuse(Media::json, {error}, 406);
  } else if (!is_get && request.method != "POST") {
    const auto error = graphql::request_error("GraphQL is asked by GET or POST.", "method_not_allowed");
    reply.refuse(accepted->media, {error}, 405, {{"allow", methods}});
  } else if (!is_get && !is_json(request)) {
    const auto error = graphql::request_error("The body must be application/json in UTF-8.", "unsupported_media_type");
    reply.refuse(accepted->media, {error}, 415, {{"accept-post", "application/json"}});
  } else {
    co_await execute(exchange, *accepted);
  }
}

Task<void> GraphqlEdge::execute(net::ServerExchange& exchange, Accepted accepted) {
  HttpReply reply(exchange, options_);
  graphql::ParsedRequest request;
  auto read = co_await read_request(exchange, options_, request);
  if (read) read = check_document(request);
  if (!read) {
    reply.refuse(accepted.media, {graphql::graphql_error(read.error(), nullptr)}, status_of(read.error()));
    co_return;
  }
  auto context = read_context(exchange, options_.call_timeout);
  if (!context) {
    reply.refuse(accepted.media, {graphql::graphql_error(context.error(), nullptr)}, status_of(context.error()));
    co_return;
  }
  auto operation = engine_.prepare(request, std::move(*context));
  if (!operation && accepted.media == Media::event_stream) {
    graphql::EventStream stream(exchange, options_);
    if (co_await stream.next(graphql::error_body(operation.error()))) co_await stream.complete();
  } else if (!operation) {
    reply.refuse(accepted.media, operation.error());
  } else if (exchange.request().method == "GET" && (*operation)->kind() == ql::OperationKind::mutation) {
    const auto error = graphql::request_error("A mutation is asked by POST.", "method_not_allowed");
    reply.refuse(accepted.media, {error}, 405, {{"allow", "POST"}});
  } else {
    co_await answer(exchange, accepted, **operation);
  }
}

Task<void> GraphqlEdge::answer(net::ServerExchange& exchange, Accepted accepted, graphql::Operation& operation) {
  HttpReply reply(exchange, options_);
  const Link link(exchange, operation);
  const bool is_subscription = operation.kind() == ql::OperationKind::subscription;
  if (is_subscription && !accepted.streams) {
    const auto error = graphql::request_error(
        "A subscription is answered by an event stream: send \"accept: text/event-stream\".", "needs_event_stream");
    reply.refuse(accepted.media, {error}, 0);
    co_return;
  }
  if (is_subscription || accepted.media == Media::event_stream) {
    graphql::EventStream stream(exchange, options_);
    if (is_subscription) {
      co_await operation.subscribe(stream);
    } else {
      std::string response;
      co_await operation.run(response);
      (void)co_await stream.next(std::move(response));
    }
    co_await stream.complete();
    co_return;
  }
  std::string response;
  co_await operation.run(response);
  reply.whole(200, graphql::content_type(accepted.media), std::move(response), operation.headers());
}

}  // namespace parley::edge
