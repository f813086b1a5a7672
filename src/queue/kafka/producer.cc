#include "queue/kafka/producer.h"

#include <future>

#include <fmt/format.h>

#include "base/log.h"
#include "queue/kafka/error.h"

namespace parley::queue::kafka {
namespace {

constexpr int poll_ms = 100;
constexpr int flush_ms = 5000;

std::vector<ClientOption> options(const Settings& settings) {
  return {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"partitioner", "murmur2_random"},
      {"linger.ms", "1"},
      {"message.timeout.ms", fmt::format("{}", to_ms(settings.timeout))},
      {"message.max.bytes", "67108864"},  // the topic's own limit decides
      {"queue.buffering.max.kbytes", "131072"},
      {"topic.metadata.propagation.max.ms", "5000"},
  };
}

rd_kafka_vu_t field(rd_kafka_vtype_t type) {
  rd_kafka_vu_t one{};
  one.vtype = type;
  return one;
}

rd_kafka_headers_t* to_headers(const Record& record) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
  for (const Header& h : record.headers) {
    rd_kafka_header_add(headers, h.name.data(), static_cast<ssize_t>(h.name.size()), h.value.data(),
                        static_cast<ssize_t>(h.value.size()));
  }
  return headers;
}

void* bytes_of(std::string_view text) { return const_cast<char*>(text.data()); }

// Null, or what is wrong; takes over `headers` if it is null.
rd_kafka_error_t* send(rd_kafka_t* client, const std::string& topic, std::int32_t partition, const Record& record,
                       rd_kafka_headers_t* headers, void* tag) {
  std::vector<rd_kafka_vu_t> fields;
  fields.push_back(field(RD_KAFKA_VTYPE_TOPIC));
  fields.back().u.cstr = topic.c_str();
  fields.push_back(field(RD_KAFKA_VTYPE_PARTITION));
  fields.back().u.i32 = partition < 0 ? RD_KAFKA_PARTITION_UA : partition;
  fields.push_back(field(RD_KAFKA_VTYPE_MSGFLAGS));
  fields.back().u.i = RD_KAFKA_MSG_F_COPY;
  if (record.has_value) {
    fields.push_back(field(RD_KAFKA_VTYPE_VALUE));
    // An empty payload is not Kafka's null.
    const std::string_view value = record.value.empty() ? std::string_view("") : record.value.view();
    fields.back().u.mem = {.ptr = bytes_of(value), .size = value.size()};
  }
  if (!record.key.empty()) {
    fields.push_back(field(RD_KAFKA_VTYPE_KEY));
    fields.back().u.mem = {.ptr = bytes_of(record.key), .size = record.key.size()};
  }
  fields.push_back(field(RD_KAFKA_VTYPE_TIMESTAMP));
  fields.back().u.i64 = record.time;
  fields.push_back(field(RD_KAFKA_VTYPE_HEADERS));
  fields.back().u.headers = headers;
  fields.push_back(field(RD_KAFKA_VTYPE_OPAQUE));
  fields.back().u.ptr = tag;
  return rd_kafka_produceva(client, fields.data(), fields.size());
}

}  // namespace

Producer::Producer(Cluster& cluster) : context_{&cluster} {
  thread_ = std::thread([this] { run(); });
}

Producer::~Producer() {
  if (client_) {
    rd_kafka_flush(client_.get(), flush_ms);
    rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(client_.get(), poll_ms);
  }
  stopping_ = true;
  thread_.join();
}

Result<Client> Producer::make() {
  return make_client(RD_KAFKA_PRODUCER, context_, options(context_.cluster->settings), {.delivered = delivered});
}

Result<Client> Producer::client() {
  const std::lock_guard lock(lock_);
  // A fatal error (the brokers lost our sequence numbers) ends a producer for good: a new one goes on.
  if (client_ && rd_kafka_fatal_error(client_.get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    // Nothing on its way can succeed any more; each message is reported as failed, by `run`.
    rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    ended_.push_back(std::exchange(client_, nullptr));
  }
  if (client_) return client_;
  auto made = make();
  if (made) client_ = *made;
  return made;
}

void Producer::run() {
  while (!stopping_) {
    Client client;
    std::vector<Client> ended;
    {
      const std::lock_guard lock(lock_);
      client = client_;
      std::erase_if(ended_, [](const Client& each) { return rd_kafka_outq_len(each.get()) == 0; });
      ended = ended_;
    }
    for (const Client& each : ended) rd_kafka_poll(each.get(), 0);
    if (client) {
      rd_kafka_poll(client.get(), poll_ms);
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(poll_ms));
    }
  }
}

void Producer::delivered(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
  const std::unique_ptr<Report> report(static_cast<Report*>(message->_private));
  Cluster& cluster = *static_cast<ClientContext*>(opaque)->cluster;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    cluster.refuses_us = false;
    (*report)(Placed{.partition = message->partition, .offset = message->offset});
    return;
  }
  Error error = cluster.explain(message->err, fmt::format("publishing to {}", rd_kafka_topic_name(message->rkt)));
  if (rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED) error = std::move(error).safe_to_retry();
  (*report)(fail(std::move(error)));
}

void Producer::produce(const std::string& topic, std::int32_t partition, const Record& record, Report report) {
  auto client = this->client();
  if (!client) return report(fail(client.error()));
  auto tag = std::make_unique<Report>(std::move(report));
  rd_kafka_headers_t* headers = to_headers(record);
  rd_kafka_error_t* wrong = send(client->get(), topic, partition, record, headers, tag.get());
  if (wrong == nullptr) {
    [[maybe_unused]] const Report* given = tag.release();  // `delivered` has it
    return;
  }
  rd_kafka_headers_destroy(headers);
  (*tag)(fail(to_error(wrong, "publishing to " + topic).safe_to_retry()));
}

Result<Placed> Producer::produce_and_wait(const std::string& topic, std::int32_t partition, const Record& record) {
  auto promise = std::make_shared<std::promise<Result<Placed>>>();
  auto answer = promise->get_future();
  produce(topic, partition, record, [promise](Result<Placed> placed) { promise->set_value(std::move(placed)); });
  return answer.get();
}

}  // namespace parley::queue::kafka
