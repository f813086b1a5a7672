// Reading a topic by position. A LogReader costs threads and connections, so one that was read from stays for a moment:
// who reads on from where it ended gets it back. Thread-safe; `read` waits, on a worker.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <set>

#include "queue/kafka/core.h"
#include "queue/kafka/log_reader.h"

namespace parley::queue::kafka {

// Ends the reads of a broker that closes.
class ReadStop {
 public:
  bool stopped() const { return stopped_; }
  void stop();
  void enter(LogReader* reader);
  void leave(LogReader* reader);

 private:
  std::atomic<bool> stopped_{false};
  std::mutex lock_;
  std::set<LogReader*> readers_;
};

class TopicReaders {
 public:
  // Errors: not_found, invalid_argument (position), unavailable.
  Result<Events> read(Core& core, const ReadRequest& request, ReadStop& stop);

 private:
  struct Kept {
    Position next;
    Instant since;
    std::unique_ptr<LogReader> reader;
  };
  std::unique_ptr<LogReader> take(const ReadRequest& request, const std::string& topic);
  void keep(Position next, std::unique_ptr<LogReader> reader);

  std::mutex lock_;
  std::list<Kept> kept_;
};

}  // namespace parley::queue::kafka
