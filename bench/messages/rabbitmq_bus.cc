// RabbitMQ over AMQP 0.9.1: one connection a producer, publisher confirms; a consumer with manual acknowledgement on a
// quorum queue. Messages are persistent.
#include <deque>
#include <string>

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <poll.h>

#include "bus.h"

namespace parley::bench {
namespace {

constexpr amqp_channel_t channel = 1;

amqp_bytes_t bytes(std::string_view text) { return {text.size(), const_cast<char*>(text.data())}; }

class Connection {
 public:
  explicit Connection(int port) : state_(amqp_new_connection()) {
    amqp_socket_t* socket = amqp_tcp_socket_new(state_);
    if (socket == nullptr || amqp_socket_open(socket, "127.0.0.1", port) != 0)
      throw std::runtime_error("RabbitMQ does not answer");
    check(amqp_login(state_, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"), "login");
    amqp_channel_open(state_, channel);
    check(amqp_get_rpc_reply(state_), "channel");
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { amqp_destroy_connection(state_); }

  amqp_connection_state_t state() const { return state_; }
  int fd() const { return amqp_get_sockfd(state_); }
  void done(std::string_view what) const { check(amqp_get_rpc_reply(state_), what); }

  // The next frame that is there already.
  bool next(amqp_frame_t& frame) const {
    amqp_maybe_release_buffers(state_);
    timeval now{};
    const int result = amqp_simple_wait_frame_noblock(state_, &frame, &now);
    if (result == AMQP_STATUS_TIMEOUT) return false;
    if (result != AMQP_STATUS_OK) throw std::runtime_error(std::string("RabbitMQ: ") + amqp_error_string2(result));
    if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_CHANNEL_CLOSE_METHOD)
      throw std::runtime_error("RabbitMQ closed the channel");
    return true;
  }

 private:
  static void check(const amqp_rpc_reply_t& reply, std::string_view what) {
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) throw std::runtime_error("RabbitMQ refused: " + std::string(what));
  }
  amqp_connection_state_t state_;
};

class RabbitmqBus : public Bus {
 public:
  explicit RabbitmqBus(const BusOptions& options) : Bus(options) {
    for (int i = 0; i < options.producers; ++i) {
      producers_.push_back(std::make_unique<Producer>(options.port));
      amqp_confirm_select(producers_.back()->connection.state(), channel);
      producers_.back()->connection.done("confirms");
      wait_.push_back({.fd = producers_.back()->connection.fd(), .events = POLLIN, .revents = 0});
    }
    declare(producers_.front()->connection);
    if (!options.handling) return;
    consumer_ = std::make_unique<Connection>(options.port);
    amqp_basic_qos(consumer_->state(), channel, 0, 1000, 0);
    amqp_basic_consume(consumer_->state(), channel, bytes(options.name), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    consumer_->done("consume");
    wait_.push_back({.fd = consumer_->fd(), .events = POLLIN, .revents = 0});
  }

  void publish(int producer, Instant due) override {
    Producer& p = *producers_[static_cast<std::size_t>(producer)];
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.delivery_mode = 2;
    if (amqp_basic_publish(p.connection.state(), channel, amqp_empty_bytes, bytes(options_.name), 0, 0, &properties,
                           bytes(stamped(due))) != AMQP_STATUS_OK)
      throw std::runtime_error("RabbitMQ: publishing failed");
    p.due.push_back({++p.last_tag, due});
    published(producer);
  }

  void poll(int wait_ms) override {
    if (::poll(wait_.data(), wait_.size(), wait_ms) <= 0) return;
    for (std::size_t i = 0; i < producers_.size(); ++i) {
      if (wait_[i].revents != 0) confirms(static_cast<int>(i));
    }
    if (consumer_ != nullptr && wait_.back().revents != 0) deliveries();
  }

 private:
  struct InFlight {
    std::uint64_t tag;
    Instant due;
  };
  struct Producer {
    explicit Producer(int port) : connection(port) {}
    Connection connection;
    std::uint64_t last_tag = 0;
    std::deque<InFlight> due;
  };

  void declare(Connection& connection) const {
    amqp_table_entry_t type{};
    type.key = bytes("x-queue-type");
    type.value.kind = AMQP_FIELD_KIND_UTF8;
    type.value.value.bytes = bytes("quorum");
    const amqp_table_t arguments{1, &type};
    amqp_queue_declare(connection.state(), channel, bytes(options_.name), 0, 1, 0, 0, arguments);
    connection.done("queue");
  }

  void confirms(int producer) {
    Producer& p = *producers_[static_cast<std::size_t>(producer)];
    amqp_frame_t frame;
    while (p.connection.next(frame)) {
      if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) continue;
      const auto* ack = static_cast<amqp_basic_ack_t*>(frame.payload.method.decoded);
      std::erase_if(p.due, [&](const InFlight& message) {
        const bool is_it = ack->multiple != 0 ? message.tag <= ack->delivery_tag : message.tag == ack->delivery_tag;
        if (is_it) confirmed(producer, message.due);
        return is_it;
      });
    }
  }

  void deliveries() {
    amqp_frame_t frame;
    while (consumer_->next(frame)) {
      if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_DELIVER_METHOD) {
        tag_ = static_cast<amqp_basic_deliver_t*>(frame.payload.method.decoded)->delivery_tag;
        body_.clear();
      } else if (frame.frame_type == AMQP_FRAME_HEADER) {
        left_ = frame.payload.properties.body_size;
      } else if (frame.frame_type == AMQP_FRAME_BODY) {
        const amqp_bytes_t& part = frame.payload.body_fragment;
        body_.append(static_cast<const char*>(part.bytes), part.len);
        left_ -= part.len;
        if (left_ > 0) continue;
        handled(body_);
        amqp_basic_ack(consumer_->state(), channel, tag_, 0);
      }
    }
  }

  std::vector<std::unique_ptr<Producer>> producers_;
  std::unique_ptr<Connection> consumer_;
  std::vector<pollfd> wait_;
  // The delivery that is coming in.
  std::uint64_t tag_ = 0;
  std::uint64_t left_ = 0;
  std::string body_;
};

}  // namespace

std::unique_ptr<Bus> rabbitmq_bus(const BusOptions& options) { return std::make_unique<RabbitmqBus>(options); }

}  // namespace parley::bench
