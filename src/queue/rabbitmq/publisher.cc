#include "queue/rabbitmq/publisher.h"

#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "base/log.h"

namespace parley::queue::rabbitmq {
namespace {

constexpr int channel = 1;
constexpr Duration patience = std::chrono::seconds(30);
constexpr Duration connection_patience = std::chrono::seconds(3);  // with nothing sent: let the caller decide

Error unknown_outcome(std::string_view why) {
  return Error(Code::unavailable, Blame::upstream,
               fmt::format("{}: whether RabbitMQ has the message is not known; publish it again with the same id", why))
      .with_reason("rabbitmq_unconfirmed");
}

}  // namespace

Publisher::Publisher(Address address, std::string purpose) : Link(std::move(address), std::move(purpose)) { start(); }
Publisher::~Publisher() { stop(); }

void Publisher::publish(Outgoing message) {
  auto shared = std::make_shared<Outgoing>(std::move(message));
  const bool taken = post([this, shared] {
    const Instant now = Clock::now();
    if (shared->by == Instant()) shared->by = now + (connection() != nullptr ? patience : connection_patience);
    waiting_.push_back(std::move(*shared));
  });
  if (!taken) shared->done(fail(Error(Code::unavailable, Blame::us, "RabbitMQ: closing").safe_to_retry()));
}

Result<void> Publisher::publish_and_wait(std::string exchange, std::string routing_key, Envelope message) {
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto done = promise->get_future();
  publish({std::move(exchange),
           std::move(routing_key),
           std::move(message),
           [promise](Result<void> r) { promise->set_value(std::move(r)); },
           {}});
  return done.get();
}

Result<void> Publisher::opened(Connection& c) {
  last_tag_ = 0;
  blocked_.clear();
  if (auto open = c.open_channel(channel); !open) return open;
  return c.confirm_select(channel);
}

void Publisher::send_waiting(Instant now) {
  if (waiting_.empty()) return;
  if (!blocked_.empty()) {
    for (Outgoing& m : std::exchange(waiting_, {})) {
      m.done(fail(Error(Code::resource_exhausted, Blame::upstream,
                        fmt::format("RabbitMQ takes no messages at the moment: {}", blocked_))
                      .with_reason("rabbitmq_blocked")
                      .safe_to_retry()));
    }
    return;
  }
  if (connection() == nullptr) {
    std::vector<Outgoing> left;
    for (Outgoing& m : std::exchange(waiting_, {})) {
      if (m.by > now) {
        left.push_back(std::move(m));
      } else {
        m.done(fail(Error(away()).safe_to_retry()));
      }
    }
    waiting_ = std::move(left);
    return;
  }
  for (Outgoing& m : std::exchange(waiting_, {})) {
    Connection* c = connection();
    if (c == nullptr) {  // broke on the way: not sent
      waiting_.push_back(std::move(m));
      continue;
    }
    auto sent = c->publish(channel, m.exchange, m.routing_key, true, m.message);
    if (!sent && !c->is_dead()) {
      m.done(std::move(sent));
      continue;
    }
    m.by = std::max(m.by, now + connection_patience);
    unknown_.emplace(++last_tag_, Sent{std::move(m)});
  }
}

void Publisher::method(Connection& c, int from, const amqp_method_t& m) {
  switch (m.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto* ack = static_cast<amqp_basic_ack_t*>(m.decoded);
      return confirm(ack->delivery_tag, ack->multiple != 0, false);
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto* nack = static_cast<amqp_basic_nack_t*>(m.decoded);
      return confirm(nack->delivery_tag, nack->multiple != 0, true);
    }
    case AMQP_BASIC_RETURN_METHOD: return returned(c, *static_cast<amqp_basic_return_t*>(m.decoded));
    case AMQP_CONNECTION_BLOCKED_METHOD:
      blocked_ = view_of(static_cast<amqp_connection_blocked_t*>(m.decoded)->reason);
      if (blocked_.empty()) blocked_ = "blocked";
      // What is on the way waits in a buffer until it takes messages again: nobody should have to wait for that.
      for (auto& [tag, sent] : unknown_)
        sent.message.by = std::min(sent.message.by, Clock::now() + connection_patience);
      return log::warn("{}: publishing is blocked: {}", address().text(), blocked_);
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      blocked_.clear();
      return log::info("{}: publishing goes on", address().text());
    case AMQP_CHANNEL_CLOSE_METHOD: {
      // A message that RabbitMQ cannot take at all (an exchange that is gone): what is unconfirmed is unknown.
      const auto* close = static_cast<amqp_channel_close_t*>(m.decoded);
      const Error why = error_of(close->reply_code, view_of(close->reply_text));
      if (auto again = c.reopen_channel(from); again) again = c.confirm_select(from);
      lost(why);
      last_tag_ = 0;
      return;
    }
    default: return;
  }
}

void Publisher::confirm(std::uint64_t tag, bool multiple, bool refused) {
  // With `multiple`, tag 0 is all of them (AMQP 0.9.1, basic.ack).
  auto first = multiple ? unknown_.begin() : unknown_.find(tag);
  if (first == unknown_.end()) return;
  const auto last = multiple ? (tag == 0 ? unknown_.end() : unknown_.upper_bound(tag)) : std::next(first);
  for (; first != last; first = unknown_.erase(first)) {
    Sent& s = first->second;
    if (s.came_back) {
      s.message.done(fail(Error(Code::not_found, Blame::us,
                                fmt::format("RabbitMQ has no queue for it: exchange \"{}\", routing key \"{}\"",
                                            s.message.exchange, s.message.routing_key))
                              .with_reason("rabbitmq_unroutable")));
    } else if (refused) {
      s.message.done(fail(unknown_outcome("RabbitMQ could not store it")));
    } else {
      s.message.done({});
    }
  }
}

void Publisher::returned(Connection& c, const amqp_basic_return_t& what) {
  const std::string exchange(view_of(what.exchange));
  const std::string key(view_of(what.routing_key));
  auto contents = c.read_contents(channel);
  if (!contents) return;
  // A return does not name its publish; the oldest that looks like it is the one.
  for (auto& [tag, s] : unknown_) {
    if (s.came_back || s.message.exchange != exchange || s.message.routing_key != key ||
        s.message.message.message_id != contents->message_id) {
      continue;
    }
    s.came_back = true;
    return;
  }
}

void Publisher::lost(const Error& why) {
  blocked_.clear();
  for (auto& [tag, s] : std::exchange(unknown_, {})) s.message.done(fail(unknown_outcome(why.message())));
}

void Publisher::give_up_late(Instant now) {
  for (auto& [tag, s] : unknown_) {
    if (s.message.by > now || !s.message.done) continue;
    s.message.done(fail(Error(Code::deadline_exceeded, Blame::upstream,
                              "RabbitMQ has not confirmed the message in time: whether it has it is not known; publish "
                              "it again with the same id")
                            .with_reason("rabbitmq_unconfirmed")));
    s.message.done = [](const Result<void>&) {};  // its confirm may still come
    s.message.by = Instant::max();
  }
}

Instant Publisher::turn(Instant now) {
  send_waiting(now);
  give_up_late(now);
  Instant next = Instant::max();
  for (const Outgoing& m : waiting_) next = std::min(next, m.by);
  if (!unknown_.empty()) next = std::min(next, now + std::chrono::seconds(1));
  return next;
}

void Publisher::stopping() {
  if (Connection* c = connection()) {
    // Give what was sent a last chance to be confirmed.
    for (const Instant until = Clock::now() + std::chrono::seconds(2); !unknown_.empty() && Clock::now() < until;) {
      auto frame = c->next_frame();
      if (!frame) break;
      if (!*frame) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      } else if ((*frame)->frame_type == AMQP_FRAME_METHOD) {
        method(*c, (*frame)->channel, (*frame)->payload.method);
      }
    }
  }
  const Error closing = Error(Code::unavailable, Blame::us, "RabbitMQ: closing");
  for (Outgoing& m : std::exchange(waiting_, {})) m.done(fail(Error(closing).safe_to_retry()));
  lost(closing);
}

}  // namespace parley::queue::rabbitmq
