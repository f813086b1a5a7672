// Admin: what is asked of the servers once in a while. Every method waits for the answer, at most for the settings'
// timeout: not on a shard. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "queue/kafka/position.h"
#include "queue/kafka/producer.h"
#include "queue/kafka/progress.h"

namespace parley::queue::kafka {

struct NewTopic {
  std::string name;
  int partitions = -1;  // -1: the brokers' default
  std::vector<std::pair<const char*, std::string>> config;
};

struct Watermarks {
  std::int64_t low = 0;   // the first that is there
  std::int64_t high = 0;  // behind the last
};

// As a commit holds it.
void add_progress(rd_kafka_topic_partition_list_t& list, const std::string& topic, std::int32_t partition,
                  const Progress& progress);

// What is asked of a group's coordinator.
struct GroupRequest {
  std::string group;
  std::string doing;  // "asking how far group mailer is"
  rd_kafka_admin_op_t kind;
  std::function<void(rd_kafka_t*, rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)> start;
  std::function<rd_kafka_resp_err_t(rd_kafka_event_t*)> error;  // that the answer has for the group
};

class Admin {
 public:
  Admin(Cluster& cluster, Producer& producer) : context_{&cluster}, cluster_(cluster), producer_(producer) {}

  // Those that exist already stay as they are.
  Result<void> create(const std::vector<NewTopic>& topics);
  // How many partitions. Errors: not_found.
  Result<int> partitions(const std::string& topic);
  Result<Watermarks> watermarks(const std::string& topic, std::int32_t partition);
  // The first at or after `time`; its end if there is none.
  Result<Places> places_at(const std::string& topic, WallTime time);
  // Where each partition begins, or ends.
  Result<Places> places_of(const std::string& topic, bool end);
  // By partition; without those that the group has no progress in.
  Result<std::map<std::int32_t, Progress>> progress(const std::string& group, const std::string& topic);
  // For a group without members. Errors: failed_precondition "group_in_use".
  Result<void> move(const std::string& group, const std::string& topic, const std::map<std::int32_t, Progress>& to);
  // With its offsets; one that is not there is gone. Errors: failed_precondition "group_in_use": it has members.
  Result<void> delete_group(const std::string& group);
  // Of a group, for people: "parley at 10.0.0.7".
  Result<std::vector<std::string>> members_of(const std::string& group);
  // Those that are not there are gone.
  Result<void> delete_topics(const std::vector<std::string>& topics);
  // Everything before is gone.
  Result<void> delete_before(const std::string& topic, std::int32_t partition, std::int64_t offset);

 private:
  using Event = std::unique_ptr<rd_kafka_event_t, void (*)(rd_kafka_event_t*)>;
  // Of these partitions, as `ask_offsets` has it; without those that have none.
  Result<Places> offsets(const std::string& topic, const std::vector<std::int32_t>& of, std::int64_t time);
  Result<Places> all_offsets(const std::string& topic, std::int64_t time);
  Result<Event> ask_coordinator(const GroupRequest& request);
  Result<Client> group_client(const std::string& group);
  void forget(const Client& client);

  ClientContext context_;
  Cluster& cluster_;
  Producer& producer_;
  std::mutex lock_;
  Client group_client_;
};

}  // namespace parley::queue::kafka
