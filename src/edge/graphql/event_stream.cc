#include "edge/graphql/event_stream.h"

#include "loop/shard.h"
#include "wire/sse.h"

namespace parley::edge::graphql {

EventStream::EventStream(net::ServerExchange& exchange, const GraphqlOptions& options)
    : exchange_(exchange),
      options_(options),
      heartbeat_([](void* self) { static_cast<EventStream*>(self)->tick(); }, this) {
  HttpReply(exchange, options).open(200, content_type(Media::event_stream), {{"cache-control", "no-cache"}});
  // A client may wait for the first byte before it believes that the stream is open.
  std::string hello;
  wire::put_sse_comment("", hello);
  exchange_.response_body().push(Bytes(std::move(hello)));
  arm();
}

void EventStream::arm() {
  Shard& shard = Shard::current();
  heartbeat_.set(shard.timers(), Deadline::after(shard.now(), options_.heartbeat));
}

void EventStream::tick() {
  if (!exchange_.response_body().is_full()) {
    std::string comment;
    wire::put_sse_comment("still here", comment);
    exchange_.response_body().push(Bytes(std::move(comment)));
  }
  arm();
}

Task<bool> EventStream::next(std::string response) { co_return co_await send("next", response); }

Task<bool> EventStream::send(std::string_view type, std::string_view data) {
  std::string event;
  event.reserve(data.size() + 32);
  wire::put_sse({.type = type, .data = data}, event);
  const auto sent = co_await exchange_.response_body().write(Bytes(std::move(event)));
  arm();
  co_return sent.has_value();
}

Task<void> EventStream::complete() {
  heartbeat_.clear();
  std::string event;
  wire::put_sse({.type = "complete", .data = ""}, event);
  (void)co_await exchange_.response_body().write(Bytes(std::move(event)));
  if (!exchange_.broken()) exchange_.finish();
}

void EventStream::close() {
  heartbeat_.clear();
  if (!exchange_.broken()) exchange_.finish();
}

}  // namespace parley::edge::graphql
