// parley.Queues/PublishStream: many messages on their way at a time, answered as they become durable.
#include "loop/task_group.h"
#include "route/local/messages/messaging.h"

namespace parley::route {
namespace {

namespace api = queue::api;

constexpr std::size_t max_in_flight = 4096;
constexpr std::size_t max_in_flight_bytes = std::size_t{16} << 20;

// Lives in the call's coroutine.
struct Stream {
  Messaging& messaging;
  Call& call;
  TaskGroup tasks = {};
  std::size_t bytes = 0;
};

Task<void> publish_tagged(Stream& stream, std::uint64_t tag, api::PublishRequest request, std::size_t bytes) {
  api::PublishStreamResponse response{.tag = tag, .receipt = {}, .error = {}};
  auto receipt = co_await publish(stream.messaging, std::move(request));
  if (receipt) {
    response.receipt = api::to_api(*receipt);
  } else {
    response.error = api::status_of(receipt.error());
  }
  stream.bytes -= bytes;
  // Bounded by what is in flight: no more is read while the replies wait.
  stream.call.replies.push(Bytes(api::to_wire(response)));
}

Task<Result<void>> publish_stream(Messaging& messaging, Call& call, Reader<api::PublishStreamRequest> requests) {
  Stream stream{.messaging = messaging, .call = call};
  Result<void> status;
  for (;;) {
    auto request = co_await requests.read();
    if (!request) {
      status = fail(std::move(request).error());
      break;
    }
    if (!*request) break;
    const std::size_t bytes = (*request)->publish.message.payload.size();
    stream.bytes += bytes;  // before the first suspension, or a burst passes the limit
    stream.tasks.spawn(publish_tagged(stream, (*request)->tag, std::move((*request)->publish), bytes));
    while (stream.tasks.live() >= max_in_flight || stream.bytes >= max_in_flight_bytes)
      co_await stream.tasks.changed().wait();
    if (auto room = co_await Pipe::Write{call.replies}; !room) {
      status = std::move(room);
      break;
    }
  }
  co_await stream.tasks.join();
  co_return status;
}

}  // namespace

void add_publish_stream(LocalRoute& route, Messaging& messaging) {
  Messaging* m = &messaging;
  route.stream<api::PublishStreamRequest, api::PublishStreamResponse>(
      "/parley.Queues/PublishStream",
      [m](Call& call, Reader<api::PublishStreamRequest> requests, Writer<api::PublishStreamResponse>) {
        return publish_stream(*m, call, requests);
      });
}

}  // namespace parley::route
