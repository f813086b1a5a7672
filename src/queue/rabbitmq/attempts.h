// Attempts: how many attempts a message has had. What has ended with a retry is in the message's own header; a message
// that RabbitMQ delivers again after a connection broke has it counted in `x-delivery-count`. But RabbitMQ 3.10 counts
// there every way back into the queue: also what was given back untouched (a graceful stop, a consumer that had no work
// for it) and what was only looked at. Those are noted here: "at this delivery count, so many attempts had ended".
//
// Notes are kept in memory by id, the oldest forgotten first; those that must outlive the process are records in the
// queue NAME.returned, a line a message: "COUNT FINISHED ID".
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "queue/rabbitmq/envelope.h"

namespace parley::queue::rabbitmq {

struct AttemptNote {
  std::int64_t at = 0;        // x-delivery-count
  std::int64_t finished = 0;  // attempts that had ended then
};

// Thread-safe.
class Attempts {
 public:
  explicit Attempts(std::size_t most = 100'000) : most_(most) {}

  // Attempts of this message that have ended.
  std::int64_t finished(const std::string& id, const Envelope& message) const;
  // There is a note that is about this delivery of it.
  bool knows(const std::string& id, std::int64_t delivery_count) const;
  void note(const std::string& id, AttemptNote note);
  void forget(const std::string& id);

  // The records' form.
  static void write_record(const std::string& id, AttemptNote note, std::string& to);
  static Envelope record(std::string lines);
  void read_records(std::string_view text);

 private:
  const std::size_t most_;
  mutable std::mutex lock_;
  std::unordered_map<std::string, AttemptNote> notes_;
  std::deque<std::string> order_;
};

inline std::int64_t delivery_count(const Envelope& e) { return e.number(headers::delivery_count).value_or(0); }

}  // namespace parley::queue::rabbitmq
