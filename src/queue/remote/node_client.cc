#include "queue/remote/node_client.h"

#include <charconv>

#include "base/base64.h"
#include "net/client_origin.h"
#include "wire/percent.h"
#include "wire/timeout.h"

namespace parley::queue::remote {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t max_reply = std::size_t{128} << 20;  // a lease of many large messages
constexpr Duration connect_patience = seconds(5);

// The calls that wait for messages end every second, so a keeper that says nothing for longer is frozen or cut off.
// Whoever waits for it hears that within ten seconds, and it is asked for again every second.
net::PoolLimits limits() {
  return {.connect_timeout = connect_patience,
          .backoff_max = seconds(1),
          .ping_after = seconds(5),
          .ping_timeout = seconds(5),
          .dns_servers = {}};
}

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
  return Error(Code::internal, Blame::upstream, "its answer is malformed: " + std::string(what));
}

Error abandoned() { return Error(Code::unavailable, Blame::us, "the node stops").with_reason("closed"); }

// PROTOCOL-HTTP2.md, "Responses".
Result<void> status_of(const Fields& trailers, std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  if (number == 0) return {};
  std::string details;
  if (base64_decode(trailers.get("grpc-status-details-bin"), details)) {
    if (auto status = api::from_wire<api::Status>(details); status && status->code == number)
      return fail(api::error_of(*status));
  }
  return fail(api::error_of(
      {.code = number, .message = wire::decode_grpc_message(trailers.get("grpc-message")), .details = {}}));
}

// Nothing was sent, whatever it was that did not work.
Error unreachable(Error why) {
  if (why.code() != Code::deadline_exceeded) return why;
  return Error(Code::unavailable, Blame::upstream, why.message())
      .with_reason(std::string(why.reason()))
      .safe_to_retry();
}

}  // namespace

NodeClient::NodeClient(Shard& shard, const Address& address)
    : shard_(shard), address_(address), pool_(shard, limits()) {}

// At the next origin that can be reached.
Task<Result<std::unique_ptr<net::ClientExchange>>> NodeClient::open(std::string_view path, Duration timeout) {
  const net::RequestHead head = head_of(path, timeout);
  const std::size_t count = address_.origins.size();
  for (std::size_t tried = 1;; ++tried) {
    if (abandoned_) co_return fail(abandoned());
    const net::Origin& origin = address_.origins[next_ % count];
    net::RequestHead filled = head;
    filled.scheme = origin.tls ? "https" : "http";
    const bool bare_ipv6 = origin.host.contains(':');
    filled.authority = (bare_ipv6 ? "[" + origin.host + "]" : origin.host) + ":" + std::to_string(origin.port);
    const Deadline by = Deadline::after(shard_.now(), std::min(timeout, connect_patience));
    auto opened = co_await pool_.open(origin, std::move(filled), true, by);
    if (opened && abandoned_) co_return fail(abandoned());
    if (opened) co_return opened;
    if (tried >= count) co_return fail(here(unreachable(std::move(opened).error())));
    ++next_;  // stays with the one that answers: what is leased there is settled there
  }
}

Task<Result<std::string>> NodeClient::exchange(std::string_view path, std::string request, Duration timeout) {
  const Instant end = shard_.now() + timeout;
  const Bytes frame = wire::grpc_frame(0, request);
  constexpr int attempts = 3;
  for (int attempt = 1;; ++attempt) {
    const Duration left = std::max<Duration>(end - shard_.now(), milliseconds(1));
    auto opened = co_await open(path, left);
    if (!opened) co_return fail(std::move(opened).error());
    net::ClientExchange& exchange = **opened;
    Replies replies(*this, exchange, left);
    exchange.request_body().push(frame);
    exchange.finish();
    auto reply = co_await replies.next();
    if (reply && !*reply) co_return fail(here(malformed("it has no message")));
    if (reply) {
      // The status comes behind the message.
      auto status = co_await replies.next();
      if (!status) co_return fail(std::move(status).error());
      co_return std::string((*reply)->view());
    }
    // Again only where nothing was processed: a kept connection that had died, a stream that was refused.
    if (attempt == attempts || !reply.error().is_safe_to_retry()) co_return fail(std::move(reply).error());
  }
}

void NodeClient::abandon() {
  abandoned_ = true;
  for (Replies* replies : open_) replies->end(abandoned());
  for (const net::Origin& origin : address_.origins) pool_.at(origin).abandon(abandoned());  // what still connects
}

Replies::Replies(NodeClient& client, net::ClientExchange& exchange, Duration timeout)
    : client_(client),
      exchange_(exchange),
      decoder_(max_reply),
      late_(
          [](void* self) {
            static_cast<Replies*>(self)->end(
                Error(Code::deadline_exceeded, Blame::upstream, "it did not answer in time"));
          },
          this) {
  client_.open_.push_back(this);
  late_.set(client_.shard_.timers(), Deadline::after(client_.shard_.now(), timeout));
}

Replies::~Replies() { std::erase(client_.open_, this); }

void Replies::end(Error why) {
  if (!ended_) ended_ = std::move(why);
  exchange_.reset(net::Reset::cancel);  // the waits on it end
}

Error Replies::explained(const Error& why) const { return client_.here(ended_.value_or(why)); }

Task<Result<std::optional<Bytes>>> Replies::next() {
  if (head_ == nullptr) {
    auto head = co_await exchange_.head();
    if (!head) co_return fail(explained(head.error()));
    head_ = *head;
    if (head_->status != 200)
      co_return fail(explained(
          Error(Code::unavailable, Blame::upstream, "it answers with HTTP status " + std::to_string(head_->status))));
  }
  for (;;) {
    auto frame = decoder_.next();
    if (!frame) co_return fail(explained(frame.error()));
    if (*frame && (*frame)->flags != 0)
      co_return fail(explained(malformed("it is compressed, which was not asked for")));
    if (*frame) co_return std::move((*frame)->payload);
    auto chunk = co_await exchange_.body().read();
    if (!chunk) co_return fail(explained(chunk.error()));
    if (!*chunk) break;
    decoder_.feed(std::move(**chunk));
  }
  // An answer without a body has its status in the head.
  const Fields& trailers = head_->fields.has("grpc-status") ? head_->fields : exchange_.trailers();
  const auto text = trailers.find("grpc-status");
  if (!text) co_return fail(explained(malformed("it has no grpc-status")));
  if (auto status = status_of(trailers, *text); !status) co_return fail(std::move(status).error());
  co_return std::nullopt;
}

}  // namespace parley::queue::remote
