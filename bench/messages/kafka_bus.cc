// Kafka: an idempotent producer with acks=all and no lingering; a consumer that commits what it handled. One partition
// a core.
#include <string>

#include <librdkafka/rdkafka.h>

#include "bus.h"

namespace parley::bench {
namespace {

rd_kafka_t* make(rd_kafka_type_t type, int port, std::initializer_list<std::pair<const char*, const char*>> settings,
                 void (*delivered)(rd_kafka_t*, const rd_kafka_message_t*, void*), void* self) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char problem[512];
  rd_kafka_conf_set(conf, "bootstrap.servers", ("127.0.0.1:" + std::to_string(port)).c_str(), problem, sizeof problem);
  rd_kafka_conf_set(conf, "log_level", "3", problem, sizeof problem);  // it retries by itself
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value, problem, sizeof problem) != RD_KAFKA_CONF_OK)
      throw std::runtime_error(problem);
  }
  rd_kafka_conf_set_opaque(conf, self);
  if (delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_t* made = rd_kafka_new(type, conf, problem, sizeof problem);
  if (made == nullptr) throw std::runtime_error(problem);
  return made;
}

class KafkaBus : public Bus {
 public:
  explicit KafkaBus(const BusOptions& options)
      : Bus(options),
        producer_(make(RD_KAFKA_PRODUCER, options.port,
                       {{"enable.idempotence", "true"}, {"acks", "all"}, {"linger.ms", "0"}}, delivered, this)) {
    if (!options.handling) return;
    consumer_ = make(RD_KAFKA_CONSUMER, options.port,
                     {{"group.id", "worker"}, {"auto.offset.reset", "earliest"}, {"enable.auto.commit", "false"}},
                     nullptr, nullptr);
    rd_kafka_poll_set_consumer(consumer_);
    rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, options.name.c_str(), RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(consumer_, topics);
    rd_kafka_topic_partition_list_destroy(topics);
  }
  ~KafkaBus() override {
    if (consumer_ != nullptr) rd_kafka_destroy(consumer_);
    rd_kafka_purge(producer_, RD_KAFKA_PURGE_F_QUEUE);
    rd_kafka_destroy(producer_);
  }
  KafkaBus(const KafkaBus&) = delete;
  KafkaBus& operator=(const KafkaBus&) = delete;

  void publish(int producer, Instant due) override {
    const std::string_view payload = stamped(due);
    auto* flight = new InFlight{producer, due};
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        producer_, RD_KAFKA_V_TOPIC(options_.name.c_str()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE(const_cast<char*>(payload.data()), payload.size()), RD_KAFKA_V_OPAQUE(flight), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
    published(producer);
  }

  void poll(int wait_ms) override {
    rd_kafka_poll(producer_, consumer_ == nullptr ? wait_ms : 0);
    if (consumer_ == nullptr) return;
    bool any = false;
    while (rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_, any ? 0 : std::min(wait_ms, 1))) {
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        handled({static_cast<const char*>(message->payload), message->len});
        any = true;
      }
      rd_kafka_message_destroy(message);
    }
    if (any) rd_kafka_commit(consumer_, nullptr, 1);
  }

 private:
  struct InFlight {
    int producer;
    Instant due;
  };

  static void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
    const std::unique_ptr<InFlight> flight(static_cast<InFlight*>(message->_private));
    if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE) return;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(message->err));
    static_cast<KafkaBus*>(self)->confirmed(flight->producer, flight->due);
  }

  rd_kafka_t* producer_;
  rd_kafka_t* consumer_ = nullptr;
};

}  // namespace

std::unique_ptr<Bus> kafka_bus(const BusOptions& options) { return std::make_unique<KafkaBus>(options); }

}  // namespace parley::bench
