// LogReader: reads partitions from given offsets on, without a group: topics for their readers, dead letters, notes,
// what waits. Used by one thread at a time; `cancel` from any.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "queue/kafka/client.h"
#include "queue/kafka/position.h"
#include "queue/kafka/record.h"

namespace parley::queue::kafka {

class LogReader {
 public:
  struct Item {
    std::int32_t partition = 0;
    Record record;
  };

  // From `next` on; a partition that is not among them is not read. An offset that is gone is the first that is there.
  static Result<std::unique_ptr<LogReader>> open(Cluster& cluster, std::string topic, Places next);
  ~LogReader();

  // Nothing: there was none within `wait`, or it was cancelled, or all partitions were at their ends (`at_end`).
  Result<std::optional<Item>> next(Duration wait);
  // Every partition was read to where it ended at some moment since the last item of it.
  bool at_end() const { return ended_.size() >= places_.size(); }
  // Where to go on behind what was read.
  const Places& places() const { return places_; }
  const std::string& topic() const { return topic_; }
  // `next` returns soon.
  void cancel();

 private:
  LogReader(std::string topic, Places places) : topic_(std::move(topic)), places_(std::move(places)) {}

  ClientContext context_{};
  std::string topic_;
  Places places_;
  std::map<std::int32_t, bool> ended_;
  Client client_;
  std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> queue_{nullptr, rd_kafka_queue_destroy};
};

}  // namespace parley::queue::kafka
