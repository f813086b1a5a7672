// Core: what the brokers of all shards share: the producer, the members of groups, the notes. Thread-safe; every method
// waits for Kafka unless it says otherwise, so brokers call them on a worker.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/wall_time.h"
#include "queue/kafka/admin.h"
#include "queue/kafka/member.h"
#include "queue/kafka/names.h"
#include "queue/kafka/notes.h"
#include "queue/kafka/workers.h"
#include "queue/process_dedup.h"
#include "queue/reach.h"

namespace parley::queue::kafka {

class ReadStop;
class TopicReaders;

class Core {
 public:
  Core(Settings settings, const WallClock& clock);
  ~Core();

  // core.cc: what there is.
  // Errors: failed_precondition: what Kafka cannot do, a line each. Servers that cannot be reached are no error: it is
  // done as soon as they are there, and until then publishing and leasing fail.
  Result<void> declare(const Declarations& wanted);
  Reach& reach() { return reach_; }
  Result<std::vector<Source>> list();
  // Does not wait; null: `make_member` first.
  std::shared_ptr<Member> find_member(const Source& source);
  // One at a time. Errors: not_found; unavailable, also where `given_up` became true before its turn.
  Result<std::shared_ptr<Member>> make_member(const Source& source, const std::atomic<bool>& given_up);
  // Does not wait. Whether `publish` can be left to the producer; otherwise `check_topic` first.
  bool is_known(const std::string& name);
  // Errors: not_found.
  Result<void> check_topic(const std::string& name);
  // Of the queue or topic; zero: none. Does not wait.
  Duration dedup_window(const std::string& name);

  // inspect.cc
  Result<std::vector<Peeked>> peek(const PeekRequest& request);
  Result<Stats> stats(const Source& source);
  Result<std::uint64_t> purge(const Source& source, Shelf shelf);
  Result<void> pause(const Source& source, bool paused);
  Result<void> move(const Source& source, const From& to);
  Result<Position> checkpoint(const Source& source);
  // delete_group.cc
  Result<void> delete_group(const Source& group);

  // Where reading begins. Errors: invalid_argument, not_found.
  Result<Places> places(const std::string& topic, const From& from);

  // dead_letters.cc
  Result<std::vector<Peeked>> peek_dead(const PeekRequest& request);
  Result<std::uint64_t> redrive(const Source& source, const std::vector<Position>& which);
  Result<std::uint64_t> purge_dead(const Source& source);
  Result<std::uint64_t> count_dead(const Source& source);

  // Does not wait; `report` is called on a thread of readers.
  void read(ReadRequest request, std::shared_ptr<ReadStop> stop, std::function<void(Result<Events>)> report);
  std::vector<std::shared_ptr<Member>> members();

  Producer& producer() { return producer_; }
  Workers& workers() { return workers_; }
  Cluster& cluster() { return cluster_; }
  Admin& admin() { return admin_; }
  ProcessDedup& dedup() { return dedup_; }
  const WallClock& clock() const { return clock_; }
  Names names(const Source& source) const { return names_of(cluster_.settings.prefix, source); }

 private:
  struct Known {
    Consumer consumer;
    Duration ttl{};
    Duration dedup{};
  };
  enum class Kind : std::uint8_t { queue, topic, group };

  Result<void> apply(const Declarations& wanted);
  Result<void> anchor(const Consumer& group);
  void retry_apply();
  void remember(const Declarations& wanted);
  Result<void> note(const std::string& key, const char* kind);
  Known known(const Source& source);
  void changed(const std::string& note);
  // This process leaves it. False: it was not in it. Errors: failed_precondition "group_in_use".
  Result<bool> leave(const Source& group);
  Result<void> delete_consumer_group(const Source& group, bool was_in_it);
  // A member's picture if this process is in the group; otherwise what was committed.
  struct Picture {
    Holding holding;                            // of the partitions that are this process'
    std::map<LogPartition, Progress> progress;  // of all
    std::map<LogPartition, Watermarks> marks;
  };
  Result<Picture> picture(const Source& source, bool with_entries);
  Result<std::map<LogPartition, std::int64_t>> all_ends(const Source& source);
  Result<void> peek_partition(const PeekRequest& request, const Picture& picture, LogPartition at,
                              std::vector<Peeked>& out);
  Result<void> peek_log(const PeekRequest& request, const Picture& picture, LogPartition at, std::vector<Peeked>& out);
  std::string log_of(const Names& names, int log) const { return log == 0 ? names.log : names.retry; }
  Result<Progress> taken(const Source& source, std::int32_t partition);
  Result<void> put_taken(const Source& source, std::int32_t partition, const Progress& progress);
  template <class Each>
  Result<void> each_dead(const Source& source, Each each);

  Cluster cluster_;
  Reach reach_;
  const WallClock& clock_;
  Producer producer_;
  Admin admin_;
  ProcessDedup dedup_;
  std::mutex lock_;
  std::map<std::pair<std::string, std::string>, Known> known_;
  std::map<std::string, bool> topics_;  // names that were seen to exist
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Member>> members_;
  std::mutex dead_lock_;  // one redrive or purge at a time
  std::mutex making_;
  Declarations wanted_;
  bool retrying_ = false;
  Notes notes_;
  std::unique_ptr<TopicReaders> topic_readers_;
  Workers workers_{8};
  Workers readers_{64};
};

// "NAME" or "NAME GROUP": of notes.
std::string note_name(const Source& source);

}  // namespace parley::queue::kafka
