// Member: this process in one consumer group; a queue's, or one of a topic's. It has a thread of its own that polls, so
// that however long handlers take, the group's clocks (max.poll.interval.ms, heartbeats) are content. All shards lease
// through it: a lease can be settled from any of them.
//
// How settlements get to Kafka: each window gives its progress (watermark, and what is settled or tried behind it); one
// commit is on its way at a time, what is settled meanwhile shares the next one. A settlement is answered when the
// commit that holds it was acknowledged.
//
// Attempts are in these commits too, and a commit takes milliseconds, in which a message may kill its node. What may
// have done so before, in whoever had the partition until now, is handed out only when the commit that counts it was
// acknowledged: everything that was in the partition when it came to us and was in reach of a window.
//
// Rebalance (cooperative): a partition that has to go is not leased from any more; its handlers have `drain` to end;
// then the progress is committed and the partition is given up. What is settled later is told "lease_lost". Where the
// group went on without us (fenced by its generation), everything is lost at once.
//
// Methods are called from any thread and answer on the member's, which must not wait. Everything private belongs to
// that thread, but the inbox.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <unordered_map>

#include "queue/kafka/client.h"
#include "queue/kafka/inbox.h"
#include "queue/kafka/names.h"
#include "queue/kafka/position.h"
#include "queue/kafka/producer.h"
#include "queue/kafka/window.h"

namespace parley::queue::kafka {

// Which log of a group (0: the queue's or topic's; 1: the group's retry topic), and its partition.
struct LogPartition {
  int log = 0;
  std::int32_t partition = 0;

  auto operator<=>(const LogPartition&) const = default;
};

// What a member holds, to be looked at.
struct Holding {
  struct Held {
    std::int64_t offset = 0;
    Window::State state{};
    int attempts = 0;
    std::optional<WallTime> due;
    Record record;
  };
  std::map<LogPartition, std::int64_t> next;  // of each partition that it holds: what it read up to
  std::map<LogPartition, Progress> progress;
  std::map<LogPartition, std::vector<Held>> entries;  // if asked for
  std::uint64_t leased = 0;
  std::uint64_t delayed = 0;
  bool in_group = false;
  std::optional<bool> is_paused;  // left out: this process is no member
  std::size_t waiting = 0;        // who asked for messages
};

class Member {
 public:
  template <class T>
  using Report = std::function<void(Result<T>)>;
  // Everything before an offset of a queue's topic is settled for good.
  using Trim = std::function<void(std::string topic, std::int32_t partition, std::int64_t before)>;
  struct Options {
    Source source;
    Names names;
    Consumer consumer;
    Duration ttl{};
    bool paused = false;
    Trim trim;  // left out for topics
  };

  Member(Cluster& cluster, Producer& producer, const WallClock& clock, Options options);
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  // Commits, leaves the group, ends the thread. What waits is answered `unavailable`.
  ~Member();

  // Begins to end, and does not wait: for several members at once.
  void stop();

  // `owner` is what `cancel` names.
  void lease(LeaseRequest request, const void* owner, Report<std::vector<Delivery>> report);
  // `why` left out: empty-handed.
  void cancel(const void* owner, std::optional<Error> why);
  void extend(std::string lease, Duration by, Report<void> report);
  void settle(std::string lease, Settlement how, Report<void> report);
  void change(Consumer consumer, Duration ttl);
  void pause(bool paused);
  void look(bool with_entries, Report<Holding> report);
  // Of what waits or is delayed. Errors: failed_precondition "group_in_use" if another node has some of the partitions.
  void purge(Shelf shelf, std::map<LogPartition, std::int64_t> ends, Report<std::uint64_t> report);
  // Goes on from there: all leases of the partitions are lost.
  void move(std::map<LogPartition, std::int64_t> to, Report<void> report);

 private:
  struct Context : ClientContext {
    Member* member = nullptr;
  };
  struct Held {
    Window window;
    std::uint64_t generation = 0;  // told apart from an earlier time that we had the partition
    bool fetch_paused = false;
    bool leaving = false;
    bool dirty = false;
    std::int64_t trimmed = 0;
    std::int64_t suspect_until = 0;  // offsets below may have been handed out by another process
  };
  struct Waiting {
    LeaseRequest request;
    const void* owner;
    Report<std::vector<Delivery>> report;
  };
  struct Unsaved {
    LogPartition where;
    Report<void> report;
    Instant since;
  };
  struct Leased {
    LogPartition where;
    std::int64_t offset;
  };
  struct Leaving {
    Partitions list;
    Instant deadline;
  };

  // member.cc: the thread, and requests.
  void put(Inbox::Work work);
  void run();
  Result<void> start();
  void poll(Duration wait);
  void take(const rd_kafka_message_t& message);
  Duration wait_time() const;
  void tick();
  void hand_out();
  std::vector<Delivery> fill(const LeaseRequest& request);
  bool may_hand_out() const;
  Delivery deliver(LogPartition where, Held& held, std::int64_t offset, Duration lease);
  bool bury_if_expired(LogPartition where, Held& held, std::int64_t offset);
  // Nobody settled it, as often as it may be tried.
  bool bury_if_used_up(LogPartition where, Held& held, std::int64_t offset);
  void give(std::vector<Delivery> deliveries, const Waiting& to);
  void do_settle(const std::string& lease, const Settlement& how, Report<void> report);
  void bury(LogPartition where, std::int64_t offset, std::string reason, const Report<void>& report);
  void buried(LogPartition where, std::uint64_t generation, std::int64_t offset, const Result<Placed>& placed,
              const Report<void>& report);
  void touched(LogPartition where, Report<void> report);
  Result<Leased> find_lease(const std::string& lease) const;
  void fail_waiting(const Error& error);
  void close();
  Window::Now now() const { return {.steady = Clock::now(), .wall = clock_.now()}; }
  std::string log_name(int log) const { return log == 0 ? options_.names.log : options_.names.retry; }
  LogPartition where(const rd_kafka_topic_partition_t& one) const;

  // member_group.cc: the group.
  void join();
  void leave_if_idle();
  static void on_rebalance(rd_kafka_t* client, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* list,
                           void* opaque);
  static void on_committed(rd_kafka_t* client, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* list,
                           void* opaque);
  void arrive();
  // `end`: of the partition.
  Result<Progress> progress_of(const rd_kafka_topic_partition_t& one, std::int64_t& end);
  void settle_rebalance();
  void revoke(const rd_kafka_topic_partition_list_t* list);
  void leave_when_drained();
  void keep_session();
  void finish_leaving();
  void forget(LogPartition where);
  Partitions unsaved_progress();
  void save();
  void saved(rd_kafka_resp_err_t error, const rd_kafka_topic_partition_list_t* list);
  void answer_saved(std::vector<Unsaved> reports, const std::map<LogPartition, rd_kafka_resp_err_t>& errors);
  void trim(const Held& held, std::int64_t watermark);
  void regulate(LogPartition where, Held& held);
  void set_fetch(LogPartition where, Held& held, bool on);

  Context context_;
  Producer& producer_;
  const WallClock& clock_;
  Options options_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::string lease_prefix_;  // of this member: a lease of another process or time is not found

  Client client_;
  std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> queue_{nullptr, rd_kafka_queue_destroy};
  std::map<LogPartition, Held> held_;
  LogPartition last_served_;
  std::unordered_map<std::uint64_t, Leased> leases_;
  std::uint64_t last_number_ = 0;
  std::deque<Waiting> waiting_;
  bool subscribed_ = false;
  bool joined_once_ = false;    // asked for partitions, ever
  bool assigned_once_ = false;  // was given some, or was told that there are none
  Instant last_asked_{};
  Instant next_expiry_scan_{};
  Partitions arriving_;
  Instant arrive_at_{};
  std::optional<Leaving> leaving_;
  std::vector<Unsaved> unsaved_;
  std::vector<Unsaved> saving_;
  bool committing_ = false;
  Instant save_at_{};
  Instant next_trim_{};
  Instant next_sign_of_life_{};
  bool closing_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace parley::queue::kafka
