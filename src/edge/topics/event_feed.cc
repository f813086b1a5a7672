#include "edge/topics/event_feed.h"

#include "edge/topics/cloud_event.h"
#include "edge/topics/problem.h"
#include "loop/shard.h"
#include "wire/sse.h"

namespace parley::edge::topics {
namespace {

// Events that are there at once share a chunk.
constexpr std::size_t enough = 16 << 10;

}  // namespace

EventFeed::EventFeed(net::ServerExchange& exchange, Call& call, contract::ContractPtr contract,
                     const TopicsOptions& options, FeedFormat format)
    : exchange_(exchange),
      call_(call),
      contract_(std::move(contract)),
      options_(options),
      format_(format),
      timer_([](void* self) { static_cast<EventFeed*>(self)->tick(); }, this) {}

void EventFeed::head() {
  net::ResponseHead head{.status = 200, .fields = {}};
  head.fields.add("content-type", format_ == FeedFormat::sse ? "text/event-stream" : "application/x-ndjson");
  head.fields.add("cache-control", "no-store");
  head.fields.add("x-accel-buffering", "no");  // nginx in front must not gather
  if (options_.cors) options_.cors->permit(exchange_.request(), head.fields);
  exchange_.respond(std::move(head));
}

void EventFeed::set_timer() {
  Shard& shard = Shard::current();
  if (format_ == FeedFormat::sse) timer_.set(shard.timers(), Deadline::after(shard.now(), options_.heartbeat));
}

void EventFeed::tick() {
  Pipe& body = exchange_.response_body();
  if (!body.is_full()) {
    std::string comment;
    wire::put_sse_comment("still here", comment);
    body.push(Bytes(std::move(comment)));
  }
  set_timer();
}

Result<void> EventFeed::add(const Bytes& reply) {
  auto event = queue::api::from_wire<queue::api::TopicEvent>(reply.view());
  if (!event) return fail(std::move(event).error());
  // A position has no blanks and no line ends, and neither has the JSON.
  if (format_ == FeedFormat::sse) text_.append("id: ").append(event->position).append("\ndata: ");
  put_event(event->message, *contract_, text_);
  text_ += format_ == FeedFormat::sse ? "\n\n" : "\n";
  return {};
}

// Why it ended, unless the node stops: an EventSource then connects again, and goes on where it was.
void EventFeed::add_end() {
  const Error* why = call_.status();
  if (why == nullptr || why->reason() == "draining") return;
  std::string problem;
  put_problem(*why, exchange_.request().path(), problem);
  if (format_ == FeedFormat::sse) {
    wire::put_sse({.type = "error", .data = problem}, text_);
  } else {
    text_.append("{\"error\":").append(problem).append("}\n");
  }
}

Task<void> EventFeed::run(std::string begins) {
  head();
  set_timer();
  Pipe& body = exchange_.response_body();
  if (format_ == FeedFormat::sse) body.push(Bytes::literal(": a topic\n\n"));  // opens the stream in every client
  // An id without data is kept, and is no event (WHATWG HTML, "Server-sent events").
  if (format_ == FeedFormat::sse && !begins.empty()) body.push(Bytes("id: " + begins + "\n\n"));
  for (;;) {
    auto reply = co_await call_.replies.read();
    if (!reply || !*reply) break;
    if (auto added = add(**reply); !added) {
      call_.cancel(std::move(added).error());
      break;
    }
    if (text_.size() < enough && call_.replies.count() > 0) continue;
    set_timer();
    if (!co_await body.write(Bytes(std::exchange(text_, {})))) break;  // the client has gone
  }
  timer_.clear();
  co_await call_.wait_finished();
  if (exchange_.broken()) co_return;
  add_end();
  if (!text_.empty()) body.push(Bytes(std::move(text_)));
  exchange_.finish();
}

}  // namespace parley::edge::topics
