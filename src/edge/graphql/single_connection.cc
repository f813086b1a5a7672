// GraphqlEdge: single connection mode of graphql-sse. PUT reserves a token, GET with it opens the stream, POST with it
// begins an operation there (202), DELETE ends one. What feeds a stream is carried to the stream's shard, and runs
// there.
#include "edge/graphql/call_context.h"
#include "edge/graphql/errors.h"
#include "edge/graphql/graphql_edge.h"
#include "loop/shard.h"
#include "loop/timer.h"
#include "wire/percent.h"

namespace parley::edge {
namespace {

using graphql::FeedAnswer;
using graphql::HttpReply;
using graphql::Media;

constexpr std::string_view token_field = "x-graphql-event-stream-token";
constexpr Duration answer_patience = std::chrono::seconds(10);  // of another shard

std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    std::string value;
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=') &&
        wire::decode_query_component(pair.substr(name.size() + 1), value)) {
      return value;
    }
  }
  return {};
}

std::string token_of(const net::RequestHead& request) {
  if (const auto field = request.fields.find(token_field)) return std::string(*field);
  return parameter(request.query(), "token");
}

// The answer that another shard gives, as the asking one waits for it.
struct Pending {
  explicit Pending(graphql::MailboxPtr to)
      : home(std::move(to)), timer([](void* self) { static_cast<Pending*>(self)->give_up(); }, this) {}
  void give_up() {
    if (!answer) answer = FeedAnswer{.status = 503, .body = {}};
    changed.notify();
  }
  graphql::MailboxPtr home;
  std::optional<FeedAnswer> answer;
  Signal changed;
  Timer timer;
};

FeedAnswer no_stream() {
  return {
      .status = 404,
      .body = graphql::error_body({graphql::request_error("There is no event stream of that token.", "no_stream")})};
}

}  // namespace

bool GraphqlEdge::is_single_connection(const net::RequestHead& request) const {
  if (!options_.streams) return false;
  return request.method == "PUT" || request.fields.has(token_field) || !parameter(request.query(), "token").empty();
}

Task<void> GraphqlEdge::serve_single_connection(net::ServerExchange& exchange) {
  const net::RequestHead& request = exchange.request();
  HttpReply reply(exchange, options_);
  std::string token = token_of(request);
  if (request.method == "PUT") {
    token = options_.streams->reserve(Shard::current().now());
    reply.whole(token.empty() ? 429 : 201, "text/plain; charset=utf-8", token);
  } else if (request.method == "GET" &&
             graphql::negotiate(request.fields.get("accept")).value_or(graphql::Accepted{}).streams) {
    co_await serve_single_stream(exchange, std::move(token));
  } else if (request.method == "POST" || request.method == "DELETE") {
    co_await feed(exchange, std::move(token));
  } else if (request.method == "OPTIONS") {
    preflight(exchange);
  } else {
    reply.refuse(Media::json,
                 {graphql::request_error("A stream is asked by GET, fed by POST and DELETE.", "method_not_allowed")},
                 405, {{"allow", "GET, POST, PUT, DELETE"}});
  }
}

Task<void> GraphqlEdge::serve_single_stream(net::ServerExchange& exchange, std::string token) {
  bool taken = false;
  if (!options_.streams->attach(token, mailbox_, taken)) {
    const auto error = graphql::request_error(
        taken ? "The token has its event stream already." : "There is no such token.", taken ? "taken" : "no_token");
    HttpReply(exchange, options_).refuse(Media::json, {error}, taken ? 409 : 404);
    co_return;
  }
  graphql::SingleStream stream(exchange, engine_);
  streams_.emplace(token, &stream);
  co_await stream.run();
  streams_.erase(token);
  options_.streams->remove(token);
}

FeedAnswer GraphqlEdge::feed_here(const std::string& token, const std::string& stop, Bytes body,
                                  graphql::CallContext context) {
  const auto at = streams_.find(token);
  if (at == streams_.end()) return no_stream();
  if (stop.empty()) return at->second->begin(std::move(body), std::move(context));
  at->second->stop(stop);
  return {.status = 200, .body = {}};
}

Task<void> GraphqlEdge::feed(net::ServerExchange& exchange, std::string token) {
  const bool stops = exchange.request().method == "DELETE";
  const std::string stop = stops ? parameter(exchange.request().query(), "operationId") : std::string();
  HttpReply reply(exchange, options_);
  auto body = co_await graphql::read_body(exchange, options_.max_message);
  auto context = graphql::call_context(exchange);
  if (!body || !context || (stops && stop.empty())) {
    const auto error = !body      ? graphql::graphql_error(body.error(), nullptr)
                       : !context ? graphql::graphql_error(context.error(), nullptr)
                                  : graphql::request_error("operationId is missing.", "no_operation_id");
    reply.refuse(Media::json, {error}, 400);
    co_return;
  }
  context->metadata.remove(token_field);
  const graphql::MailboxPtr home = options_.streams->find(token);
  auto pending = std::make_shared<Pending>(mailbox_);
  if (home == nullptr) {
    pending->answer = no_stream();
  } else if (home == mailbox_) {
    pending->answer = feed_here(token, stop, std::move(*body), std::move(*context));
  } else {
    Shard& shard = Shard::current();
    pending->timer.set(shard.timers(), Deadline::after(shard.now(), answer_patience));
    const bool sent = graphql::Mailbox::deliver(
        home,
        [token, stop, body = std::move(*body), context = std::move(*context), pending](GraphqlEdge& edge) mutable {
          FeedAnswer answer = edge.feed_here(token, stop, std::move(body), std::move(context));
          pending->home->post([pending, answer = std::move(answer)] {
            if (!pending->answer) pending->answer = answer;
            pending->changed.notify();
          });
        });
    if (!sent) pending->answer = no_stream();
  }
  while (!pending->answer) co_await pending->changed.wait();
  pending->timer.clear();
  reply.whole(pending->answer->status, pending->answer->body.empty() ? "" : graphql::content_type(Media::json),
              pending->answer->body);
}

}  // namespace parley::edge
