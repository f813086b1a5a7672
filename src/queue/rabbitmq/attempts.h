// Attempts: how many attempts a message has had. What has ended with a retry is in the message's own header. What ends
// without a word (the node dies, the connection breaks) is known by RabbitMQ's `x-delivery-count`; but RabbitMQ 3.10
// counts there every way back into the queue: also of what was only prefetched, given back untouched (a graceful stop,
// a consumer that had no work for it), or looked at. So whoever hands a message out writes down first what it will be
// if nothing more is heard of it: "at this delivery count, so many attempts had ended". Of a message's very first
// delivery nothing is written, as it would cost every message a publish: one that comes back from there is taken for
// one that was in somebody's hands.
//
// Notes are kept in memory, the oldest forgotten first; those that must outlive the process are records in the queue
// NAME.returned, a line a message: "COUNT FINISHED HELD STAMP DUE ID".
#pragma once

#include <atomic>
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
  bool held = false;          // the last of them in somebody's hands, who never said how it went
};

// A message as it was published this time (a retry and a redrive publish it anew, with another due time), in one queue.
struct AttemptKey {
  AttemptKey(std::string_view queue, const std::string& id, const Envelope& message);
  AttemptKey(std::string_view queue, std::string_view rest)
      : text(std::string(queue) + '\n'), queue_size(queue.size()) {
    text += rest;
  }
  std::string_view rest() const { return std::string_view(text).substr(queue_size + 1); }  // "DUE ID"

  std::string text;
  std::size_t queue_size;
};

// Thread-safe.
class Attempts {
 public:
  explicit Attempts(std::size_t most = 100'000) : most_(most) {}

  struct Known {
    std::int64_t finished = 0;  // attempts of this message that have ended
    bool held = false;          // see AttemptNote
  };
  // `exact`: first deliveries are written down, too.
  Known known(const AttemptKey& key, const Envelope& message, bool exact) const;
  // There is a note that is about this delivery of it.
  bool knows(const AttemptKey& key, std::int64_t delivery_count) const;
  void note(const AttemptKey& key, AttemptNote note);
  // Notes it, and adds its line to a record.
  void write_record(const AttemptKey& key, AttemptNote note, std::string& to);
  void forget(const AttemptKey& key);
  // All of a queue's.
  void forget_all(std::string_view queue);

  // The records' form.
  static Envelope record(std::string lines);
  void read_records(std::string_view queue, std::string_view text);

 private:
  struct Stamped {
    AttemptNote note;
    // Of the notes about one delivery the last one counts. Only the process that had the delivery has made any.
    std::int64_t stamp = 0;
  };
  void put(const AttemptKey& key, const Stamped& stamped);

  const std::size_t most_;
  std::atomic<std::int64_t> last_stamp_{0};
  mutable std::mutex lock_;
  std::unordered_map<std::string, Stamped> notes_;
  std::deque<std::string> order_;
};

inline std::int64_t delivery_count(const Envelope& e) { return e.number(headers::delivery_count).value_or(0); }

}  // namespace parley::queue::rabbitmq
