// Notes: what this node writes down in Kafka about queues and topics, in a compacted topic of one partition: every node
// of the same prefix reads it to its end at start-up and follows it, so that a pause reaches all of them. Keys:
//
//   source NAME        a queue, or a topic ("queue", "topic")
//   source NAME GROUP  a group of a topic ("group")
//   paused NAME[ GROUP]
//   taken NAME[ GROUP] which dead letters went back or were purged: a progress (progress.h) of the dead letters' topic,
//                      after its watermark and a blank
//
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "queue/kafka/admin.h"
#include "queue/kafka/log_reader.h"

namespace parley::queue::kafka {

class Notes {
 public:
  // `changed` is told every key that changes, also by this process; it is called on a thread of the notes' or of `put`.
  Notes(Cluster& cluster, Producer& producer, Admin& admin, std::function<void(const std::string& key)> changed);
  ~Notes();

  // Creates the topic if need be, reads it to its end, and follows it from then on. Waits; does nothing the second
  // time.
  Result<void> open();

  std::optional<std::string> get(const std::string& key);
  // All whose keys begin so.
  std::map<std::string, std::string> all(std::string_view prefix);
  // Durable once it returns. No value: the note goes.
  Result<void> put(const std::string& key, std::optional<std::string> value);

 private:
  // A note as it is behind `offset`; none where it was taken back.
  struct Note {
    std::optional<std::string> text;
    std::int64_t offset = -1;
  };
  // What this node writes it knows before it reads it, and what others wrote meanwhile may have been read before: the
  // later of two is the one behind.
  void take(const Record& record);
  void take_read(const Record& record);
  void follow();

  Cluster& cluster_;
  Producer& producer_;
  Admin& admin_;
  std::function<void(const std::string&)> changed_;
  std::string topic_;
  std::mutex opening_;
  std::mutex lock_;
  std::map<std::string, Note> notes_;
  std::int64_t last_read_ = -1;
  std::unique_ptr<LogReader> reader_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace parley::queue::kafka
