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

// Bounded by what is in flight: no more is read while the replies wait.
void answer(Stream& stream, std::uint64_t tag, const Result<queue::Receipt>& receipt) {
  api::PublishStreamResponse response{.tag = tag, .receipt = {}, .error = {}};
  if (receipt) {
    response.receipt = api::to_api(*receipt);
  } else {
    response.error = api::status_of(receipt.error());
  }
  stream.call.replies.push(Bytes(api::to_wire(response)));
}

Task<void> answer_once(Stream& stream, std::uint64_t tag, std::size_t bytes, Task<Result<queue::Receipt>> stored) {
  const auto receipt = co_await std::move(stored);
  stream.bytes -= bytes;
  answer(stream, tag, receipt);
}

// The request is gone by the time that anything waits: what stays of a message in flight is small.
void take(Stream& stream, api::PublishStreamRequest request) {
  const std::size_t bytes = request.publish.message.payload.size();
  auto admitted = admit(stream.messaging, std::move(request.publish));
  if (!admitted) return answer(stream, request.tag, fail(std::move(admitted).error()));
  stream.bytes += bytes;
  stream.tasks.spawn(answer_once(stream, request.tag, bytes, stream.messaging.broker.publish(*std::move(admitted))));
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
    take(stream, **std::move(request));
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
