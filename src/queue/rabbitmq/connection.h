// Connection: one AMQP connection by librabbitmq, with its errors as values. Blocking; used by one thread, that of the
// link that owns it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <amqp.h>

#include "base/error.h"
#include "queue/rabbitmq/address.h"
#include "queue/rabbitmq/envelope.h"

namespace parley::queue::rabbitmq {

// Arguments of a queue, an exchange or a consumer.
using Arguments = std::vector<std::pair<std::string, std::variant<std::string, std::int64_t, bool>>>;

struct Got {
  std::uint64_t tag = 0;
  Envelope envelope;
  std::uint32_t left = 0;  // ready in the queue behind it
};

// The reason of a server whose certificate is not what the address asks for.
inline constexpr std::string_view tls_refused = "rabbitmq_tls_refused";

class Connection {
 public:
  // Waits at most `by` for each of TCP, TLS and login, later thrice that for an answer. `purpose` is the name that
  // RabbitMQ's users see. Errors: unavailable (safe to retry), unauthenticated, permission_denied (the vhost),
  // invalid_argument (files of TLS).
  static Result<std::unique_ptr<Connection>> open(const Address& address, std::string_view purpose, Duration by);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  amqp_connection_state_t raw() const { return state_; }
  int descriptor() const { return amqp_get_sockfd(state_); }
  // Broken: nothing works on it any more.
  bool is_dead() const { return dead_; }
  const Error& why_dead() const { return why_dead_; }

  // Each waits for RabbitMQ's answer. A refusal closes the channel (it is opened again at once) and is an error:
  // not_found, failed_precondition (exists with other arguments), permission_denied, …; unavailable if the connection
  // broke.
  Result<void> open_channel(int channel);
  void close_channel(int channel);
  Result<void> confirm_select(int channel);
  Result<void> prefetch(int channel, int messages);
  Result<void> declare_exchange(int channel, const std::string& name, const char* type);
  // Durable. Returns the messages that are ready.
  Result<std::uint32_t> declare_queue(int channel, const std::string& name, const Arguments& arguments);
  Result<std::uint32_t> count(int channel, const std::string& queue);
  // How many consume it.
  Result<std::uint32_t> consumers(int channel, const std::string& queue);
  // With its bindings and messages. One that is not there is gone.
  Result<void> delete_queue(int channel, const std::string& name);
  Result<void> bind(int channel, const std::string& queue, const std::string& exchange, const std::string& key);
  Result<void> unbind(int channel, const std::string& queue, const std::string& exchange, const std::string& key);
  Result<std::uint32_t> purge(int channel, const std::string& queue);
  Result<void> consume(int channel, const std::string& queue, const std::string& tag, const Arguments& arguments);
  Result<void> cancel(int channel, const std::string& tag);
  // The next message; it is this channel's until it is acknowledged.
  Result<std::optional<Got>> get(int channel, const std::string& queue);

  // Written, not answered. Errors of `publish`: invalid_argument, where properties and headers do not fit into a frame;
  // nothing was sent then.
  Result<void> ack(int channel, std::uint64_t tag, bool multiple = false);
  Result<void> requeue(int channel, std::uint64_t tag, bool multiple = false);
  Result<void> publish(int channel, const std::string& exchange, const std::string& key, bool mandatory,
                       const Envelope& message);

  // For one that publishes nothing. RabbitMQ adds headers of its own to a message that it delivers, and does not keep
  // to the frame size that was agreed on: the library would end the connection, at each delivery of that message.
  void take_larger_frames();

  // The next frame that is there already.
  Result<std::optional<amqp_frame_t>> next_frame();
  // Frames lie in memory: `next_frame` has something though the socket may be silent.
  bool has_frames() const { return amqp_frames_enqueued(state_) != 0 || amqp_data_in_buffer(state_) != 0; }
  // The contents that follow a deliver, return or get-ok frame.
  Result<Envelope> read_contents(int channel);
  // Answers RabbitMQ's closing of the channel, and opens it again.
  Result<void> reopen_channel(int channel);
  void release_buffers() { amqp_maybe_release_buffers(state_); }

 private:
  explicit Connection(amqp_connection_state_t state) : state_(state) {}
  std::unexpected<Error> die(std::string_view doing, std::string_view why);
  Result<void> check(const amqp_rpc_reply_t& reply, int channel, std::string_view doing);
  Result<void> check_status(int status, std::string_view doing);
  Result<void> last(int channel, std::string_view doing) { return check(amqp_get_rpc_reply(state_), channel, doing); }

  amqp_connection_state_t state_;
  bool dead_ = false;
  Error why_dead_{Code::unavailable, Blame::upstream, "RabbitMQ: the connection is closed"};
};

// For what fails only with the connection, which its link meets at the end of the turn.
inline void met_later(const Result<void>& /*done*/) {}

// What a channel.close or connection.close of RabbitMQ means: its reply code (AMQP 0.9.1 section 1.2) and its text.
Error error_of(int reply_code, std::string_view reply_text);

}  // namespace parley::queue::rabbitmq
