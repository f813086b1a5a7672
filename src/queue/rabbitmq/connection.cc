#include "queue/rabbitmq/connection.h"

#include <algorithm>
#include <cstdlib>

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>
#include <sys/time.h>
#include <unistd.h>

namespace parley::queue::rabbitmq {
namespace {

constexpr int frame_max = 131072;
constexpr int larger_frame_max = 1 << 20;
constexpr int channel_max = 2047;  // RabbitMQ's own default

timeval time_of(Duration d) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  return {static_cast<time_t>(us / 1'000'000), static_cast<suseconds_t>(us % 1'000'000)};
}

Error broken(std::string_view doing, std::string_view why) {
  return Error(Code::unavailable, Blame::upstream, fmt::format("RabbitMQ: {}: {}", doing, why))
      .with_reason("rabbitmq_connection");
}

// A server whose certificate is not what we ask for.
bool is_refused_by_us(int status) {
  return status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED || status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED;
}

struct ReplyCode {
  int code;
  Code means;
  std::string_view reason;
};
constexpr ReplyCode reply_codes[] = {
    {311, Code::resource_exhausted, "rabbitmq_content_too_large"},
    {320, Code::unavailable, "rabbitmq_connection_forced"},
    {402, Code::not_found, "rabbitmq_invalid_path"},
    {403, Code::permission_denied, "rabbitmq_access_refused"},
    {404, Code::not_found, "not_found"},
    {405, Code::failed_precondition, "rabbitmq_resource_locked"},
    {406, Code::failed_precondition, "rabbitmq_precondition_failed"},
    {506, Code::resource_exhausted, "rabbitmq_resource_error"},
    {530, Code::permission_denied, "rabbitmq_not_allowed"},
    {540, Code::unimplemented, "rabbitmq_not_implemented"},
    {541, Code::unavailable, "rabbitmq_internal_error"},
};

// The library's table form of arguments; views into them.
struct EncodedArguments {
  explicit EncodedArguments(const Arguments& from) {
    for (const auto& [name, value] : from) {
      amqp_table_entry_t e{};
      e.key = amqp_view(name);
      if (const auto* text = std::get_if<std::string>(&value)) {
        e.value.kind = AMQP_FIELD_KIND_UTF8;
        e.value.value.bytes = amqp_view(*text);
      } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
        // Seconds since 1970, where RabbitMQ tells times and offsets apart by the field's kind.
        e.value.kind = name == "x-stream-offset-time" ? AMQP_FIELD_KIND_TIMESTAMP : AMQP_FIELD_KIND_I64;
        if (name == "x-stream-offset-time") e.key = amqp_view(headers::offset);
        e.value.value.i64 = *number;
      } else {
        e.value.kind = AMQP_FIELD_KIND_BOOLEAN;
        e.value.value.boolean = std::get<bool>(value) ? 1 : 0;
      }
      entries.push_back(e);
    }
  }
  amqp_table_t table() { return {static_cast<int>(entries.size()), entries.data()}; }
  std::vector<amqp_table_entry_t> entries;
};

Result<amqp_socket_t*> make_socket(amqp_connection_state_t state, const Address& a) {
  if (!a.tls) {
    amqp_socket_t* socket = amqp_tcp_socket_new(state);
    if (socket == nullptr) return fail(broken("connecting", "no socket"));
    return socket;
  }
  amqp_socket_t* socket = amqp_ssl_socket_new(state);
  if (socket == nullptr) return fail(broken("connecting", "no TLS socket"));
  amqp_ssl_socket_set_verify_peer(socket, 1);
  amqp_ssl_socket_set_verify_hostname(socket, 1);
  amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
  const std::string ca = a.ca.empty() ? "/etc/ssl/certs/ca-certificates.crt" : a.ca;
  if (amqp_ssl_socket_set_cacert(socket, ca.c_str()) != AMQP_STATUS_OK) {
    return invalid(fmt::format("messages: the ca file {} cannot be used", ca));
  }
  if (!a.cert.empty() && amqp_ssl_socket_set_key(socket, a.cert.c_str(), a.key.c_str()) != AMQP_STATUS_OK) {
    return invalid(fmt::format("messages: the certificate {} with the key {} cannot be used", a.cert, a.key));
  }
  return socket;
}

amqp_rpc_reply_t log_in(amqp_connection_state_t state, const Address& a, std::string_view purpose) {
  amqp_table_entry_t capability{};
  capability.key = amqp_view("connection.blocked");
  capability.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  capability.value.value.boolean = 1;
  amqp_table_entry_t close_capability = capability;
  close_capability.key = amqp_view("consumer_cancel_notify");
  amqp_table_entry_t nested[] = {capability, close_capability};
  amqp_table_entry_t properties[3]{};
  properties[0].key = amqp_view("capabilities");
  properties[0].value.kind = AMQP_FIELD_KIND_TABLE;
  properties[0].value.value.table = {2, nested};
  properties[1].key = amqp_view("product");
  properties[1].value.kind = AMQP_FIELD_KIND_UTF8;
  properties[1].value.value.bytes = amqp_view("parley");
  properties[2].key = amqp_view("connection_name");
  properties[2].value.kind = AMQP_FIELD_KIND_UTF8;
  properties[2].value.value.bytes = amqp_view(purpose);
  const amqp_table_t table{3, properties};
  const int heartbeat = static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(a.heartbeat).count());
  return amqp_login_with_properties(state, a.vhost.c_str(), channel_max, frame_max, heartbeat, &table,
                                    AMQP_SASL_METHOD_PLAIN, a.user.c_str(), a.password.c_str());
}

// A login that RabbitMQ refuses: by a close with 403 where the client can take it, else by hanging up.
Error login_error(const amqp_rpc_reply_t& reply) {
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* close = static_cast<amqp_connection_close_t*>(reply.reply.decoded);
    if (close->reply_code == 403) {
      return Error(Code::unauthenticated, Blame::us, "RabbitMQ refused the user or the password")
          .with_reason("rabbitmq_login");
    }
    return error_of(close->reply_code, view_of(close->reply_text));
  }
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
    return broken("logging in", amqp_error_string2(reply.library_error)).safe_to_retry();
  }
  return broken("logging in", "it hung up").safe_to_retry();
}

}  // namespace

Error error_of(int reply_code, std::string_view reply_text) {
  const auto* at = std::ranges::find(reply_codes, reply_code, &ReplyCode::code);
  const bool known = at != std::end(reply_codes);
  return Error(known ? at->means : Code::internal, Blame::upstream, fmt::format("RabbitMQ: {}", reply_text))
      .with_reason(std::string(known ? at->reason : "rabbitmq_error"));
}

Result<std::unique_ptr<Connection>> Connection::open(const Address& a, std::string_view purpose, Duration by) {
  std::unique_ptr<Connection> out(new Connection(amqp_new_connection()));
  auto socket = make_socket(out->state_, a);
  if (!socket) return fail(socket.error());
  const timeval wait = time_of(by);
  amqp_set_handshake_timeout(out->state_, &wait);
  const timeval rpc_wait = time_of(by * 3);
  amqp_set_rpc_timeout(out->state_, &rpc_wait);
  const int status = amqp_socket_open_noblock(*socket, a.host.c_str(), a.port, &wait);
  if (status != AMQP_STATUS_OK) {
    out->dead_ = true;
    Error why = broken(fmt::format("connecting to {}", a.text()), amqp_error_string2(status)).safe_to_retry();
    if (is_refused_by_us(status)) return fail(std::move(why).with_reason(std::string(tls_refused)));
    return fail(std::move(why));
  }
  const amqp_rpc_reply_t reply = log_in(out->state_, a, purpose);
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    out->dead_ = true;
    return fail(login_error(reply).during(a.text()));
  }
  return out;
}

std::unexpected<Error> Connection::die(std::string_view doing, std::string_view why) {
  dead_ = true;
  why_dead_ = broken(doing, why);
  return fail(why_dead_);
}

Connection::~Connection() {
  if (!dead_) {
    const timeval wait{1, 0};
    amqp_set_rpc_timeout(state_, &wait);
    amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
  }
  amqp_destroy_connection(state_);
}

Result<void> Connection::check(const amqp_rpc_reply_t& reply, int channel, std::string_view doing) {
  switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL: return {};
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const auto* close = static_cast<amqp_channel_close_t*>(reply.reply.decoded);
        Error error = error_of(close->reply_code, view_of(close->reply_text));
        if (auto again = reopen_channel(channel); !again) return again;
        return fail(std::move(error));
      }
      if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const auto* close = static_cast<amqp_connection_close_t*>(reply.reply.decoded);
        return die(doing, view_of(close->reply_text));
      }
      return die(doing, "an answer out of turn");
    case AMQP_RESPONSE_LIBRARY_EXCEPTION: return die(doing, amqp_error_string2(reply.library_error));
    case AMQP_RESPONSE_NONE: break;
  }
  return die(doing, "it hung up");
}

Result<void> Connection::check_status(int status, std::string_view doing) {
  if (status == AMQP_STATUS_OK) return {};
  if (status == AMQP_STATUS_TABLE_TOO_BIG) return invalid("RabbitMQ: the headers do not fit into a frame");
  return die(doing, amqp_error_string2(status));
}

Result<void> Connection::open_channel(int channel) {
  amqp_channel_open(state_, static_cast<amqp_channel_t>(channel));
  return last(channel, "opening a channel");
}
void Connection::close_channel(int channel) {
  if (!dead_) amqp_channel_close(state_, static_cast<amqp_channel_t>(channel), AMQP_REPLY_SUCCESS);
}
Result<void> Connection::reopen_channel(int channel) {
  amqp_channel_close_ok_t ok{};
  const int status = amqp_send_method(state_, static_cast<amqp_channel_t>(channel), AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
  if (auto sent = check_status(status, "closing a channel"); !sent) return sent;
  return open_channel(channel);
}

Result<void> Connection::confirm_select(int channel) {
  amqp_confirm_select(state_, static_cast<amqp_channel_t>(channel));
  return last(channel, "asking for confirms");
}
Result<void> Connection::prefetch(int channel, int messages) {
  amqp_basic_qos(state_, static_cast<amqp_channel_t>(channel), 0,
                 static_cast<std::uint16_t>(std::clamp(messages, 1, 65535)), 0);
  return last(channel, "setting the prefetch");
}

Result<void> Connection::declare_exchange(int channel, const std::string& name, const char* type) {
  amqp_exchange_declare(state_, static_cast<amqp_channel_t>(channel), amqp_view(name), amqp_cstring_bytes(type), 0, 1,
                        0, 0, amqp_empty_table);
  return last(channel, "declaring an exchange");
}
Result<std::uint32_t> Connection::declare_queue(int channel, const std::string& name, const Arguments& arguments) {
  EncodedArguments encoded(arguments);
  const auto* ok =
      amqp_queue_declare(state_, static_cast<amqp_channel_t>(channel), amqp_view(name), 0, 1, 0, 0, encoded.table());
  const std::uint32_t count = ok == nullptr ? 0 : ok->message_count;
  if (auto checked = last(channel, "declaring a queue"); !checked) return fail(checked.error());
  return count;
}
Result<std::uint32_t> Connection::count(int channel, const std::string& queue) {
  const auto* ok =
      amqp_queue_declare(state_, static_cast<amqp_channel_t>(channel), amqp_view(queue), 1, 1, 0, 0, amqp_empty_table);
  const std::uint32_t count = ok == nullptr ? 0 : ok->message_count;
  if (auto checked = last(channel, "asking for a queue"); !checked) return fail(checked.error());
  return count;
}
Result<std::uint32_t> Connection::consumers(int channel, const std::string& queue) {
  const auto* ok =
      amqp_queue_declare(state_, static_cast<amqp_channel_t>(channel), amqp_view(queue), 1, 1, 0, 0, amqp_empty_table);
  const std::uint32_t count = ok == nullptr ? 0 : ok->consumer_count;
  if (auto checked = last(channel, "asking for a queue"); !checked) return fail(checked.error());
  return count;
}
Result<void> Connection::delete_queue(int channel, const std::string& name) {
  amqp_queue_delete(state_, static_cast<amqp_channel_t>(channel), amqp_view(name), 0, 0);
  auto done = last(channel, "deleting a queue");
  return done || done.error().code() == Code::not_found ? Result<void>() : done;
}
Result<void> Connection::bind(int channel, const std::string& queue, const std::string& exchange,
                              const std::string& key) {
  amqp_queue_bind(state_, static_cast<amqp_channel_t>(channel), amqp_view(queue), amqp_view(exchange), amqp_view(key),
                  amqp_empty_table);
  return last(channel, "binding a queue");
}
Result<void> Connection::unbind(int channel, const std::string& queue, const std::string& exchange,
                                const std::string& key) {
  amqp_queue_unbind(state_, static_cast<amqp_channel_t>(channel), amqp_view(queue), amqp_view(exchange), amqp_view(key),
                    amqp_empty_table);
  return last(channel, "unbinding a queue");
}
Result<std::uint32_t> Connection::purge(int channel, const std::string& queue) {
  const auto* ok = amqp_queue_purge(state_, static_cast<amqp_channel_t>(channel), amqp_view(queue));
  const std::uint32_t count = ok == nullptr ? 0 : ok->message_count;
  if (auto checked = last(channel, "purging a queue"); !checked) return fail(checked.error());
  return count;
}

Result<void> Connection::consume(int channel, const std::string& queue, const std::string& tag,
                                 const Arguments& arguments) {
  EncodedArguments encoded(arguments);
  amqp_basic_consume(state_, static_cast<amqp_channel_t>(channel), amqp_view(queue), amqp_view(tag), 0, 0, 0,
                     encoded.table());
  return last(channel, "consuming");
}
Result<void> Connection::cancel(int channel, const std::string& tag) {
  amqp_basic_cancel_t request{};
  request.consumer_tag = amqp_view(tag);
  amqp_method_number_t replies[] = {AMQP_BASIC_CANCEL_OK_METHOD, 0};
  return check(
      amqp_simple_rpc(state_, static_cast<amqp_channel_t>(channel), AMQP_BASIC_CANCEL_METHOD, replies, &request),
      channel, "ending a consumer");
}

Result<std::optional<Got>> Connection::get(int channel, const std::string& queue) {
  const amqp_rpc_reply_t reply = amqp_basic_get(state_, static_cast<amqp_channel_t>(channel), amqp_view(queue), 0);
  if (auto checked = check(reply, channel, "getting a message"); !checked) return fail(checked.error());
  if (reply.reply.id != AMQP_BASIC_GET_OK_METHOD) return std::optional<Got>();
  const auto* ok = static_cast<amqp_basic_get_ok_t*>(reply.reply.decoded);
  Got out;
  out.tag = ok->delivery_tag;
  out.left = ok->message_count;
  auto contents = read_contents(channel);
  if (!contents) return fail(contents.error());
  out.envelope = *std::move(contents);
  return out;
}

Result<void> Connection::ack(int channel, std::uint64_t tag, bool multiple) {
  return check_status(amqp_basic_ack(state_, static_cast<amqp_channel_t>(channel), tag, multiple ? 1 : 0),
                      "acknowledging");
}
Result<void> Connection::requeue(int channel, std::uint64_t tag, bool multiple) {
  return check_status(amqp_basic_nack(state_, static_cast<amqp_channel_t>(channel), tag, multiple ? 1 : 0, 1),
                      "giving back");
}
Result<void> Connection::publish(int channel, const std::string& exchange, const std::string& key, bool mandatory,
                                 const Envelope& message) {
  // The library finds out when a part of the message is on its way, and RabbitMQ would end the connection at the next.
  if (header_frame_bytes(message) > static_cast<std::size_t>(amqp_get_frame_max(state_)))
    return invalid("RabbitMQ: the headers do not fit into a frame");
  const EncodedProperties encoded(message);
  return check_status(
      amqp_basic_publish(state_, static_cast<amqp_channel_t>(channel), amqp_view(exchange), amqp_view(key),
                         mandatory ? 1 : 0, 0, &encoded.properties(), amqp_view(message.body.view())),
      "publishing");
}

void Connection::take_larger_frames() {
  amqp_tune_connection(state_, amqp_get_channel_max(state_), larger_frame_max, amqp_get_heartbeat(state_));
}

Result<std::optional<amqp_frame_t>> Connection::next_frame() {
  amqp_frame_t frame;
  const timeval now{0, 0};
  const int status = amqp_simple_wait_frame_noblock(state_, &frame, &now);
  if (status == AMQP_STATUS_TIMEOUT) return std::optional<amqp_frame_t>();
  if (auto checked = check_status(status, "reading"); !checked) return fail(checked.error());
  if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* close = static_cast<amqp_connection_close_t*>(frame.payload.method.decoded);
    return die("closed by it", view_of(close->reply_text));
  }
  return frame;
}

Result<Envelope> Connection::read_contents(int channel) {
  amqp_message_t message;
  const amqp_rpc_reply_t reply = amqp_read_message(state_, static_cast<amqp_channel_t>(channel), &message, 0);
  if (auto checked = check(reply, channel, "reading a message"); !checked) return fail(checked.error());
  Envelope out = read_envelope(message.properties, Bytes::copy_of(view_of(message.body)));
  amqp_destroy_message(&message);
  return out;
}

}  // namespace parley::queue::rabbitmq
