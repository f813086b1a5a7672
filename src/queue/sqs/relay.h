// Relay: hands a topic's events on to its groups, each of which has a queue of its own, and then takes them away. One
// runs in a process for each topic of which it leases; several processes share the work, and keep the order of a key.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "queue/sqs/directory.h"
#include "queue/sqs/part.h"

namespace parley::queue::sqs {

class Relay {
 public:
  Relay(Workbench& bench, PlacePtr topic);

  // Until the broker drains.
  Task<void> run();

 private:
  struct Group {
    std::unique_ptr<Part> part;
    std::int64_t begins = 0;  // events before it are not for the group; milliseconds since 1970
    bool gone = false;        // it was deleted: looked for again later, as SQS may list it for a minute more
  };
  Task<Result<void>> find_groups();
  Task<Result<Group>> look_at(std::string sqs_name);
  Task<void> hand_on(std::vector<Received> of_a_key);
  Task<Result<void>> copy(const Received& event);
  Task<void> copy_to(const std::string& name, Group& group, const Received& event, std::optional<Error>& failed);
  Task<void> rest();

  Workbench& bench_;
  const PlacePtr topic_;
  Part events_;
  std::map<std::string, Group> groups_;  // by name on SQS
  // Which groups have an event that others could not take yet, by its id on SQS: one that takes nothing for days must
  // not make the others get it all the time.
  std::map<std::string, std::set<std::string>> have_;
  Instant looked_{};
};

}  // namespace parley::queue::sqs
