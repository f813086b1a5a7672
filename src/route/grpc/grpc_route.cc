#include "route/grpc/grpc_route.h"

#include <memory>
#include <vector>

#include "loop/shard.h"
#include "loop/task_group.h"
#include "route/grpc/grpc_reply.h"
#include "route/grpc/grpc_request.h"
#include "wire/grpc_frame.h"

namespace parley::route {
namespace {

// What waits on an exchange is told by the exchange that it ended; the call says why. An upstream knows the deadline
// too, and its reset may come a little before this shard's timer: the clocks' grain, and what the two round.
constexpr Duration deadline_grain = std::chrono::milliseconds(5);

Result<void> with_reason_of(const Call& call, Result<void> status) {
  if (call.cancelled()) return fail(*call.cancelled());
  if (!status && status.error().code() == Code::cancelled &&
      call.deadline().passed(Shard::current().now() + deadline_grain)) {
    return fail(Error(Code::deadline_exceeded, Blame::caller, "the call's deadline passed"));
  }
  return status;
}

void send(net::ClientExchange& exchange, const Bytes& message) {
  Pipe& body = exchange.request_body();
  if (message.size() < wire::join_frame_below) {
    body.push(wire::grpc_frame(0, message.view()));
    return;
  }
  const auto prefix = wire::grpc_frame_prefix(0, message.size());
  body.push(Bytes::copy_of({prefix.data(), prefix.size()}));
  body.push(message);
}

bool may_retry(const Result<void>& status, const GrpcReply& reply, const Call& call) {
  return !status && status.error().is_safe_to_retry() && !reply.has_started() && !call.cancelled();
}

std::unexpected<Error> wrong_count(const char* what) {
  return fail(Error(Code::unimplemented, Blame::caller, what).with_reason("message_count"));
}

}  // namespace

Task<Result<void>> GrpcRoute::handle(Call& call) {
  return call.method().client_streaming ? handle_request_stream(call) : handle_one_request(call);
}

Task<Result<void>> GrpcRoute::handle_one_request(Call& call) {
  Result<std::optional<Bytes>> request = co_await call.requests.read();
  if (!request) co_return fail(std::move(request).error());
  if (!*request) co_return wrong_count("a request without a message");
  Result<std::optional<Bytes>> more = co_await call.requests.read();
  if (!more) co_return fail(std::move(more).error());
  if (*more) co_return wrong_count("a second request message where the method has one");

  const net::RequestHead head = grpc_request_head(call, Shard::current().now());
  std::unique_ptr<net::ClientExchange> exchange;
  net::OpenCancel opening;
  const Call::OnCancel on_cancel(call, [&](const Error&) {
    opening.cancel();
    if (exchange) exchange->reset(net::Reset::cancel);
  });
  for (int attempt = 1;; ++attempt) {
    exchange = cluster_->try_open(head, true);
    if (!exchange) {
      auto opened = co_await cluster_->open(head, true, call.deadline(), &opening);
      if (!opened) co_return with_reason_of(call, fail(std::move(opened).error()));
      if (call.cancelled()) co_return fail(*call.cancelled());
      exchange = std::move(*opened);
    }
    send(*exchange, **request);
    exchange->finish();
    GrpcReply reply(call, *exchange, limits_.message_bytes);
    Result<void> status = co_await reply.read();
    if (attempt == limits_.attempts || !may_retry(status, reply, call))
      co_return with_reason_of(call, std::move(status));
  }
}

namespace {

// The request messages of a client stream on their way to the exchange of the moment. The first ones are held, so that
// they can be sent again on another exchange, until the upstream answers or they become too many.
struct RequestPump {
  Call& call;
  std::size_t replay_bytes;
  net::ClientExchange* to = nullptr;
  std::vector<Bytes> held = {};
  std::size_t held_bytes = 0;
  bool replayable = true;
  bool ended = false;                          // the caller sent its last message
  bool over = false;                           // nobody wants more messages
  std::optional<Error> failed = std::nullopt;  // the caller's side broke
  Signal changed = {};

  void hold(const Bytes& message) {
    if (!replayable) return;
    held_bytes += message.size();
    if (held_bytes > replay_bytes) return stop_holding();
    held.push_back(message);
  }
  void stop_holding() {
    replayable = false;
    held.clear();
  }
  void start(net::ClientExchange& exchange) {
    to = &exchange;
    for (const Bytes& message : held) send(exchange, message);
    if (ended) exchange.finish();
    changed.notify();
  }
};

Task<void> pump_requests(RequestPump& pump) {
  for (;;) {
    Result<std::optional<Bytes>> message = co_await pump.call.requests.read();
    if (pump.over) co_return;
    if (!message) {
      pump.failed = std::move(message).error();
      pump.to->reset(net::Reset::cancel);
      co_return;
    }
    if (!*message) {
      pump.ended = true;
      pump.to->finish();
      co_return;
    }
    pump.hold(**message);
    send(*pump.to, **message);
    // Waits for room. An exchange that broke meanwhile may be followed by another, which got this message as a held
    // one.
    while (!pump.over && pump.to->request_body().aborted()) co_await pump.changed.wait();
    if (!pump.over) (void)co_await Pipe::Write{pump.to->request_body()};
    if (pump.over) co_return;
  }
}

}  // namespace

Task<Result<void>> GrpcRoute::handle_request_stream(Call& call) {
  const net::RequestHead head = grpc_request_head(call, Shard::current().now());
  std::vector<std::unique_ptr<net::ClientExchange>> exchanges;  // all of them live until the pump has ended
  net::OpenCancel opening;
  const Call::OnCancel on_cancel(call, [&](const Error&) {
    opening.cancel();
    if (!exchanges.empty()) exchanges.back()->reset(net::Reset::cancel);
  });
  RequestPump pump{.call = call, .replay_bytes = limits_.replay_bytes};
  TaskGroup pumping;
  Result<void> status;
  for (int attempt = 1;; ++attempt) {
    auto opened = co_await cluster_->open(head, true, call.deadline(), &opening);
    if (!opened) {
      status = fail(std::move(opened).error());
      break;
    }
    exchanges.push_back(std::move(*opened));
    pump.start(*exchanges.back());
    if (call.cancelled()) exchanges.back()->reset(net::Reset::cancel);
    if (attempt == 1) pumping.spawn(pump_requests(pump));
    GrpcReply reply(call, *exchanges.back(), limits_.message_bytes);
    status = co_await reply.read();
    if (attempt == limits_.attempts || !pump.replayable || pump.failed || !may_retry(status, reply, call)) break;
  }
  // The answer is complete, or there will be none: whoever still writes requests hears it.
  pump.over = true;
  pump.changed.notify();
  call.requests.abort(Error(Code::cancelled, Blame::caller, "the call has ended").with_reason("call_ended"));
  if (!exchanges.empty()) exchanges.back()->reset(net::Reset::cancel);
  co_await pumping.join();
  if (pump.failed && !call.cancelled()) co_return fail(*pump.failed);
  co_return with_reason_of(call, std::move(status));
}

}  // namespace parley::route
