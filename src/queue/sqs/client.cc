#include "queue/sqs/client.h"

#include <algorithm>

#include <fmt/format.h>

#include "net/client_connection.h"
#include "queue/sqs/fault.h"
#include "queue/sqs/reply.h"

namespace parley::queue::sqs {
namespace {

Error closed_error() {
  return Error(Code::unavailable, Blame::us, "the queues are being closed").with_reason("closing");
}

net::PoolLimits limits() {
  net::PoolLimits limits;
  limits.idle_timeout = std::chrono::seconds(20);  // AWS closes idle connections soon after
  limits.max_waiting = 4096;
  return limits;
}

}  // namespace

// One request on its way; on the stack of its coroutine.
struct Client::Attempt {
  Attempt(Client& of, Duration patience)
      : client(of),
        timer(
            [](void* self) {
              auto* attempt = static_cast<Attempt*>(self);
              attempt->late = true;
              attempt->give_up();
            },
            this) {
    timer.set(client.shard_.timers(), Deadline::after(client.shard_.now(), patience));
    client.in_flight_.push_back(this);
  }
  ~Attempt() { std::erase(client.in_flight_, this); }

  void give_up() {
    opening.cancel();
    if (exchange != nullptr) exchange->reset(net::Reset::cancel);
  }

  Client& client;
  Timer timer;
  net::OpenCancel opening;
  net::ClientExchange* exchange = nullptr;
  bool late = false;
};

Client::Client(Shard& shard, const Settings& settings, const WallClock& clock)
    : shard_(shard),
      clock_(clock),
      back_off_(settings.back_off),
      answer_time_(settings.answer_time),
      signs_(!settings.credentials.empty()),
      signer_(settings.credentials, settings.region),
      authority_(net::authority_of(settings.origin)),
      pool_(shard, limits()),
      origin_(pool_.at(settings.origin)) {}

Client::~Client() = default;

net::RequestHead Client::head_of(const std::string& action, const std::string& body) {
  net::RequestHead head{.method = "POST", .scheme = "", .authority = authority_, .target = "/", .fields = {}};
  head.fields.add("content-type", "application/x-amz-json-1.0");
  head.fields.add("x-amz-target", "AmazonSQS." + action);
  if (signs_) signer_.sign(head, body, clock_.now());
  return head;
}

Task<Result<std::string>> Client::call(std::string action, std::string body, std::optional<Duration> patience) {
  for (int tried = 1;; ++tried) {
    Outcome outcome = co_await attempt(action, body, patience.value_or(answer_time_));
    if (closed_) co_return fail(closed_error());
    if (outcome.result) worked(tried);
    if (!outcome.again || !co_await back_off(tried)) {
      if (!outcome.result) co_return fail(Error(std::move(outcome.result).error()).during(action));
      co_return std::move(outcome.result);
    }
  }
}

// Any part of a time that doubles with each attempt.
Task<bool> Client::back_off(int attempt) {
  if (attempt >= attempts || budget_ < price || closed_) co_return false;
  budget_ -= price;
  const Duration most = back_off_ * (1 << attempt);
  const Duration wait(std::uniform_int_distribution<Duration::rep>(0, most.count())(jitter_));
  const Instant until = shard_.now() + wait;
  // In short steps, so that closing need not wait for it.
  while (!closed_ && shard_.now() < until)
    co_await shard_.sleep(std::min<Duration>(until - shard_.now(), std::chrono::milliseconds(50)));
  co_return !closed_;
}

Task<Client::Outcome> Client::attempt(const std::string& action, const std::string& body, Duration patience) {
  if (closed_) co_return Outcome{.result = fail(closed_error())};
  Attempt attempt(*this, patience);
  const net::RequestHead head = head_of(action, body);
  std::unique_ptr<net::ClientExchange> exchange = origin_.try_open(head, true);
  if (exchange == nullptr) {
    auto opened = co_await origin_.open(head, true, Deadline::after(shard_.now(), patience), &attempt.opening);
    if (!opened) {
      const bool again = opened.error().is_safe_to_retry();
      co_return Outcome{.result = fail(std::move(opened).error()), .again = again};
    }
    exchange = std::move(*opened);
  }
  attempt.exchange = exchange.get();
  exchange->request_body().push(Bytes::copy_of(body));
  exchange->finish();
  Outcome outcome = co_await answer(attempt, *exchange);
  attempt.exchange = nullptr;
  if (attempt.late) {
    outcome = {.result = fail(Error(Code::deadline_exceeded, Blame::upstream,
                                    fmt::format("no answer within {} s",
                                                std::chrono::duration_cast<std::chrono::seconds>(patience).count()))
                                  .with_reason("sqs_timeout")),
               .again = true};
  }
  co_return outcome;
}

Task<Client::Outcome> Client::answer(Attempt& /*attempt*/, net::ClientExchange& exchange) {
  const Result<const net::ResponseHead*> head = co_await exchange.head();
  if (!head) co_return Outcome{.result = fail(head.error()), .again = true};
  const int status = (*head)->status;
  std::string body;
  for (;;) {
    Result<std::optional<Bytes>> chunk = co_await exchange.body().read();
    if (!chunk) co_return Outcome{.result = fail(std::move(chunk).error()), .again = true};
    if (!*chunk) break;
    body += (*chunk)->view();
    if (body.size() > max_answer)
      co_return Outcome{.result = fail(Error(Code::internal, Blame::upstream, "SQS: an answer without end"))};
  }
  if (status == 200) co_return Outcome{.result = std::move(body)};
  const FaultText text = read_fault(body);
  co_return Outcome{.result = fail(fault(text.code, text.message, status)), .again = is_transient(text.code, status)};
}

void Client::close() {
  closed_ = true;
  for (Attempt* attempt : std::vector(in_flight_)) attempt->give_up();
  origin_.abandon(closed_error());
}

}  // namespace parley::queue::sqs
