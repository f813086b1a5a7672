#include "edge/graphql/graphql_edge.h"

#include <array>

#include "edge/graphql/call_context.h"
#include "edge/graphql/errors.h"
#include "edge/graphql/event_stream.h"
#include "edge/graphql/page.h"
#include "edge/graphql/websocket_session.h"
#include "loop/shard.h"
#include "net/websocket_handshake.h"
#include "wire/media_type.h"

namespace parley::edge {

namespace ql = parley::graphql;
using graphql::Accepted;
using graphql::HttpReply;
using graphql::Media;

namespace {

constexpr std::string_view methods = "GET, POST";

// Requests that become no operation, whatever they ask for.
using Refusal = graphql::HttpRefusal;
constexpr Refusal not_acceptable{
    406, "not_acceptable",
    "The answer would be application/graphql-response+json, application/json or text/event-stream."};
constexpr Refusal bad_method{405, "method_not_allowed", "GraphQL is asked by GET or POST.", {"allow", methods}};
constexpr Refusal bad_type{
    415, "unsupported_media_type", "The body must be application/json in UTF-8.", {"accept-post", "application/json"}};
constexpr Refusal mutation_by_get{405, "method_not_allowed", "A mutation is asked by POST.", {"allow", "POST"}};
constexpr Refusal needs_stream{
    0, "needs_event_stream",
    "A subscription is answered by an event stream or a WebSocket: send \"accept: text/event-stream\"."};
constexpr Refusal bad_origin{403, "origin_not_allowed",
                             "Pages of this origin may not connect: cors.origins lists who may."};
constexpr Refusal bad_subprotocol{400, "bad_handshake", "The subprotocol here is graphql-transport-ws."};

// JSON in UTF-8 is all that is taken.
bool is_json(const net::RequestHead& request) {
  const auto type = wire::parse_media_type(request.fields.get("content-type"));
  if (!type || type->essence != "application/json") return false;
  const std::string* charset = type->find("charset");
  return charset == nullptr || wire::lower_case(*charset) == "utf-8";
}

struct ReasonStatus {
  std::string_view reason;
  int status;
};
// What is no GraphQL request at all has a status of its own, whatever the media type.
constexpr ReasonStatus http_statuses[] = {{"message_too_large", 413}, {"unsupported_encoding", 415}};

int status_of(const Error& error) {
  for (const ReasonStatus& row : http_statuses) {
    if (row.reason == error.reason()) return row.status;
  }
  return 400;
}

// The client went away: nobody waits for the operation any more. The node drains: a stream, which may never end, ends.
class Link {
 public:
  Link(net::ServerExchange& exchange, graphql::Operation& operation) : exchange_(exchange), operation_(operation) {
    exchange_.on_broken(
        [](void* self) {
          const auto* link = static_cast<Link*>(self);
          link->operation_.cancel(*link->exchange_.broken());
        },
        this);
    if (operation.kind() != ql::OperationKind::subscription) return;
    exchange_.on_drain(
        [](void* self) {
          static_cast<Link*>(self)->operation_.cancel(
              Error(Code::unavailable, Blame::us, "Parley stops: connect again").with_reason("draining"));
        },
        this);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() {
    exchange_.on_broken(nullptr, nullptr);
    exchange_.on_drain(nullptr, nullptr);
  }

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
    : options_(std::move(options)),
      engine_(front, options_, std::move(schema), std::move(persisted)),
      mailbox_(std::make_shared<graphql::Mailbox>(Shard::current(), *this)) {}

GraphqlEdge::~GraphqlEdge() { mailbox_->close(); }

void GraphqlEdge::preflight(net::ServerExchange& exchange) const {
  static const std::vector<std::string> allowed = {"GET", "POST", "PUT",
                                                   "DELETE"};  // the latter two: single_connection.cc
  auto head = options_.cors ? options_.cors->preflight(exchange.request(), allowed) : std::nullopt;
  if (!head) head = net::ResponseHead{.status = 204, .fields = {{"allow", methods}}};
  exchange.respond(std::move(*head));
  exchange.finish();
}

void GraphqlEdge::count_refused(const net::ServerExchange& exchange, const Error& why) const {
  engine_.front().refused(
      {.edge = "graphql", .path = exchange.request().path(), .caller = exchange.peer().address, .why = why});
}

void GraphqlEdge::refuse(net::ServerExchange& exchange, Media media, const Error& why, int status, Field extra) const {
  count_refused(exchange, why);
  Fields fields;
  if (!extra.name.empty()) fields.add(extra.name, extra.value);
  HttpReply(exchange, options_).refuse(media, {graphql::graphql_error(why, nullptr)}, status, fields);
}

void GraphqlEdge::refuse(net::ServerExchange& exchange, Media media, const Refusal& refusal) const {
  refuse(exchange, media,
         Error(Code::invalid_argument, Blame::caller, std::string(refusal.message))
             .with_reason(std::string(refusal.reason)),
         refusal.status, refusal.extra);
}

Task<void> GraphqlEdge::serve(net::ServerExchange& exchange) {
  const net::RequestHead& request = exchange.request();
  if (!request.upgrade.empty()) return serve_socket(exchange);
  if (is_single_connection(request)) return serve_single_connection(exchange);
  return serve_http(exchange);
}

Task<void> GraphqlEdge::serve_socket(net::ServerExchange& exchange) {
  const net::RequestHead& request = exchange.request();
  static constexpr std::array ours = {graphql::transport_ws};
  if (auto refused = net::check_websocket(request)) {
    const Error why = Error(Code::invalid_argument, Blame::caller, refused->text).with_reason("bad_handshake");
    refuse(exchange, Media::json, why, refused->status, refused->fields.empty() ? Field{} : refused->fields[0]);
  } else if (!net::is_origin_allowed(request, options_.cors.get())) {
    refuse(exchange, Media::json, bad_origin);
  } else if (!net::choose_subprotocol(request, ours, "")) {
    refuse(exchange, Media::json, bad_subprotocol);
  } else if (auto context = graphql::call_context(exchange); !context) {
    refuse(exchange, Media::json, context.error(), status_of(context.error()));
  } else {
    graphql::WebSocketSession session(exchange, engine_, std::move(*context));
    co_await session.run();
  }
}

Task<void> GraphqlEdge::serve_http(net::ServerExchange& exchange) {
  const net::RequestHead& request = exchange.request();
  if (request.method == "OPTIONS") {
    preflight(exchange);
    co_return;
  }
  const std::string_view accept = request.fields.get("accept");
  const bool is_get = request.method == "GET";
  if (options_.page && is_get && graphql::wants_page(accept) &&
      request.query().find("query=") == std::string_view::npos) {
    HttpReply(exchange, options_).whole(200, "text/html; charset=utf-8", graphql::page_html(), graphql::page_fields());
    co_return;
  }
  const auto accepted = graphql::negotiate(accept);
  if (!accepted) {
    refuse(exchange, Media::json, not_acceptable);
  } else if (!is_get && request.method != "POST") {
    refuse(exchange, accepted->media, bad_method);
  } else if (!is_get && !is_json(request)) {
    refuse(exchange, accepted->media, bad_type);
  } else {
    co_await execute(exchange, *accepted);
  }
}

Task<void> GraphqlEdge::execute(net::ServerExchange& exchange, Accepted accepted) {
  graphql::ParsedRequest request;
  auto read = co_await read_request(exchange, options_, request);
  if (read) read = check_document(request);
  if (!read) co_return refuse(exchange, accepted.media, read.error(), status_of(read.error()));
  auto context = graphql::call_context(exchange);
  if (!context) co_return refuse(exchange, accepted.media, context.error(), status_of(context.error()));
  auto operation = engine_.prepare(request, std::move(*context));
  if (!operation) {
    count_refused(
        exchange,
        Error(Code::invalid_argument, Blame::caller, operation.error()[0].message).with_reason("invalid_operation"));
    if (accepted.media == Media::event_stream) {
      graphql::EventStream stream(exchange, options_);
      if (co_await stream.next(graphql::error_body(operation.error()))) co_await stream.complete();
    } else {
      HttpReply(exchange, options_).refuse(accepted.media, operation.error());
    }
  } else if (exchange.request().method == "GET" && (*operation)->kind() == ql::OperationKind::mutation) {
    refuse(exchange, accepted.media, mutation_by_get);
  } else {
    co_await answer(exchange, accepted, **operation);
  }
}

Task<void> GraphqlEdge::answer(net::ServerExchange& exchange, Accepted accepted, graphql::Operation& operation) {
  const Link link(exchange, operation);
  const bool is_subscription = operation.kind() == ql::OperationKind::subscription;
  if (is_subscription && !accepted.streams) co_return refuse(exchange, accepted.media, needs_stream);
  if (is_subscription || accepted.media == Media::event_stream) {
    graphql::EventStream stream(exchange, options_);
    if (is_subscription) {
      co_await operation.subscribe(stream);
    } else {
      std::string response;
      co_await operation.run(response);
      (void)co_await stream.next(std::move(response));
    }
    // A stream that was cut off does not say that it is complete, so that its client connects again.
    if (operation.cancelled()) co_return stream.close();
    co_await stream.complete();
    co_return;
  }
  std::string response;
  co_await operation.run(response);
  HttpReply(exchange, options_)
      .whole(200, graphql::content_type(accepted.media), std::move(response), operation.headers());
}

}  // namespace parley::edge
