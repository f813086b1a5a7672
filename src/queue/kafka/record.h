// Record: what lies in Kafka, as it lies there. Messages are written in the binary mode of the CloudEvents Kafka
// binding: attributes as `ce_` headers, the payload as it is, `partitionkey` as the record's key. What a plain producer
// wrote becomes a message too, whatever is missing; an event in structured mode (section 3.3) is unpacked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <librdkafka/rdkafka.h>

#include "base/wall_time.h"
#include "queue/broker.h"

namespace parley::queue::kafka {

struct Header {
  std::string name;
  std::string value;
};

struct Record {
  std::int64_t offset = -1;
  std::int64_t time = 0;  // Kafka's timestamp, ms since 1970
  std::string key;        // Kafka's null and "" are the same to us
  bool has_value = true;  // false: Kafka's null, a tombstone
  Bytes value;
  std::vector<Header> headers;

  // The last of that name wins, as Kafka's clients do it; nothing if there is none.
  const std::string* find(std::string_view name) const;
  std::size_t bytes() const;
};

// Copies what `message` has.
Record to_record(const rd_kafka_message_t& message);

Record to_record(const Publish& publish);
// `log` and `partition`: an id for what has none, the same at every delivery.
Message to_message(const Record& record, std::string_view log, std::int32_t partition);

// Not to be delivered before.
std::optional<WallTime> due_time(const Record& record);
// Not to be delivered any more from then on: the record's own limit, or the queue's `ttl` after it was published.
std::optional<WallTime> expiry(const Record& record, Duration ttl);

// A dead letter is the record as it was, with these headers behind its own.
struct DeadLetter {
  std::string reason;
  int attempts = 0;
  std::string log;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  WallTime since{};
};
Record bury(Record record, const DeadLetter& letter);
DeadLetter read_letter(const Record& record);
// As it was before.
Record exhume(Record record);

}  // namespace parley::queue::kafka
