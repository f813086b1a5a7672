#include "queue/kafka/log_reader.h"

#include <fmt/format.h>

#include "queue/kafka/error.h"

namespace parley::queue::kafka {

Result<std::unique_ptr<LogReader>> LogReader::open(Cluster& cluster, std::string topic, Places next) {
  std::unique_ptr<LogReader> reader(new LogReader(std::move(topic), std::move(next)));
  reader->context_.cluster = &cluster;
  const std::vector<ClientOption> options = {
      {"group.id", cluster.settings.prefix + "parley.reader"},  // librdkafka wants one; nothing is committed to it
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "earliest"},
      {"enable.partition.eof", "true"},
      {"queued.max.messages.kbytes", "4096"},
      {"fetch.error.backoff.ms", "100"},
  };
  auto client = make_client(RD_KAFKA_CONSUMER, reader->context_, options, {});
  if (!client) return fail(client.error());
  reader->client_ = *std::move(client);
  const Partitions list = make_partitions(static_cast<int>(reader->places_.size()));
  for (const auto& [partition, offset] : reader->places_) {
    rd_kafka_topic_partition_list_add(list.get(), reader->topic_.c_str(), partition)->offset = offset;
  }
  const auto error = rd_kafka_assign(reader->client_.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(cluster.explain(error, "reading " + reader->topic_));
  reader->queue_.reset(rd_kafka_queue_get_consumer(reader->client_.get()));
  return reader;
}

LogReader::~LogReader() {
  queue_.reset();
  if (client_) rd_kafka_assign(client_.get(), nullptr);
}

void LogReader::cancel() { rd_kafka_queue_yield(queue_.get()); }

Result<std::optional<LogReader::Item>> LogReader::next(Duration wait) {
  const std::unique_ptr<rd_kafka_message_t, void (*)(rd_kafka_message_t*)> message(
      rd_kafka_consumer_poll(client_.get(), to_ms(wait)), rd_kafka_message_destroy);
  if (!message) return std::nullopt;
  switch (message->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      ended_.erase(message->partition);
      places_[message->partition] = message->offset + 1;
      return Item{.partition = message->partition, .record = to_record(*message)};
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      ended_[message->partition] = true;
      // The end of what is there, also where the last records are a transaction's marks.
      places_[message->partition] = std::max(places_[message->partition], message->offset);
      return std::nullopt;
    default:
      if (is_passing(message->err)) return std::nullopt;  // it goes on by itself
      return fail(context_.cluster->explain(message->err, "reading " + topic_));
  }
}

}  // namespace parley::queue::kafka
