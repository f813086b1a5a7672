#include "queue/remote/node_client.h"

#include <charconv>

#include "base/base64.h"
#include "loop/timer.h"
#include "wire/grpc_frame.h"
#include "wire/percent.h"
#include "wire/timeout.h"

namespace parley::queue::remote {
namespace {

constexpr std::size_t max_reply = std::size_t{128} << 20;  // a lease of many large messages

net::RequestHead head_of(std::string_view path, Duration timeout) {
  net::RequestHead head;
  head.method = "POST";
  head.target = path;
  head.fields.add("grpc-timeout", wire::format_grpc_timeout(timeout));
  head.fields.add("content-type", "application/grpc");
  head.fields.add("te", "trailers");
  return head;
}

Error malformed(std::string_view what) {
  return Error(Code::internal, Blame::upstream, "the other node's answer is malformed: " + std::string(what));
}

// PROTOCOL-HTTP2.md, "Responses".
Result<void> status_of(const Fields& trailers) {
  const auto text = trailers.find("grpc-status");
  if (!text) return fail(malformed("it has no grpc-status"));
  int number = 0;
  std::from_chars(text->data(), text->data() + text->size(), number);
  if (number == 0) return {};
  std::string details;
  if (base64_decode(trailers.get("grpc-status-details-bin"), details)) {
    if (auto status = api::from_wire<api::Status>(details); status && status->code == number)
      return fail(api::error_of(*status));
  }
  return fail(api::error_of(
      {.code = number, .message = wire::decode_grpc_message(trailers.get("grpc-message")), .details = {}}));
}

// Resets an exchange that takes too long; the waits on it then end.
class TimeLimit {
 public:
  TimeLimit(net::ClientExchange& exchange, Deadline deadline)
      : exchange_(exchange), timer_([](void* self) { static_cast<TimeLimit*>(self)->end(); }, this) {
    timer_.set(Shard::current().timers(), deadline);
  }
  bool has_passed() const { return passed_; }

 private:
  void end() {
    passed_ = true;
    exchange_.reset(net::Reset::cancel);
  }
  net::ClientExchange& exchange_;
  Timer timer_;
  bool passed_ = false;
};

// The one message and the status.
Task<Result<std::string>> read_reply(net::ClientExchange& exchange) {
  auto head = co_await exchange.head();
  if (!head) co_return fail(std::move(head).error());
  if ((*head)->status != 200)
    co_return fail(Error(Code::unavailable, Blame::upstream,
                         "the other node answered with HTTP status " + std::to_string((*head)->status)));
  wire::GrpcFrameDecoder decoder(max_reply);
  std::optional<Bytes> message;
  for (;;) {
    auto chunk = co_await exchange.body().read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) break;
    decoder.feed(std::move(**chunk));
    for (;;) {
      auto frame = decoder.next();
      if (!frame) co_return fail(std::move(frame).error());
      if (!*frame) break;
      if ((*frame)->flags != 0) co_return fail(malformed("it is compressed, which was not asked for"));
      message = std::move((*frame)->payload);
    }
  }
  // An answer without a body has its status in the head.
  const bool in_head = (*head)->fields.has("grpc-status");
  if (auto status = status_of(in_head ? (*head)->fields : exchange.trailers()); !status)
    co_return fail(std::move(status).error());
  if (!message) co_return fail(malformed("it has no message"));
  co_return std::string(message->view());
}

}  // namespace

NodeClient::NodeClient(Shard& shard, const Address& address) : shard_(shard), address_(address), pool_(shard, {}) {}

// At the next origin that can be reached.
Task<Result<std::unique_ptr<net::ClientExchange>>> NodeClient::open(const net::RequestHead& head, Deadline deadline) {
  const std::size_t count = address_.origins.size();
  for (std::size_t tried = 1;; ++tried) {
    const net::Origin& origin = address_.origins[next_ % count];
    net::RequestHead filled = head;
    filled.scheme = origin.tls ? "https" : "http";
    const bool bare_ipv6 = origin.host.contains(':');
    filled.authority = (bare_ipv6 ? "[" + origin.host + "]" : origin.host) + ":" + std::to_string(origin.port);
    auto opened = co_await pool_.open(origin, std::move(filled), true, deadline);
    if (opened || tried >= count) co_return opened;
    ++next_;  // stays with the one that answers: what is leased there is settled there
  }
}

Task<Result<std::string>> NodeClient::exchange(std::string_view path, std::string request, Duration timeout) {
  const Deadline deadline = Deadline::after(shard_.now(), timeout);
  const net::RequestHead head = head_of(path, timeout);
  const Bytes frame = wire::grpc_frame(0, request);
  constexpr int attempts = 3;
  for (int attempt = 1;; ++attempt) {
    auto opened = co_await open(head, deadline);
    if (!opened) co_return fail(std::move(opened).error().during("the node at " + address_.text));
    net::ClientExchange& exchange = **opened;
    const TimeLimit limit(exchange, deadline);
    exchange.request_body().push(frame);
    exchange.finish();
    auto reply = co_await read_reply(exchange);
    if (reply) co_return reply;
    if (limit.has_passed())
      co_return fail(
          Error(Code::deadline_exceeded, Blame::upstream, "the node at " + address_.text + " did not answer in time"));
    // Again only where nothing was processed: a kept connection that had died, a stream that was refused.
    if (attempt == attempts || !reply.error().is_safe_to_retry()) co_return fail(std::move(reply).error());
  }
}

}  // namespace parley::queue::remote
