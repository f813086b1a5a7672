// Directory: which queues of SQS stand for a queue of ours. Made by declare(); queues that no contract declares are
// looked up when they are first used.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "queue/declaration.h"
#include "queue/sqs/client.h"
#include "queue/sqs/names.h"
#include "queue/sqs/settings.h"

namespace parley::queue::sqs {

struct Place {
  std::string name;  // ours: "shop.Mailer/SendMail"
  QueueDeclaration wanted;
  bool fifo = false;   // messages of a group one at a time, in order; deduplication
  bool keyed = false;  // a group may hold several messages
  std::string url;     // of NAME or NAME.fifo
  std::string dead_url;
  std::string later_url;
};
using PlacePtr = std::shared_ptr<const Place>;

// Thread-safe.
class Directory {
 public:
  PlacePtr find(const std::string& name) const;
  void put(PlacePtr place);
  // Our names by SQS'.
  std::map<std::string, std::string> names(const Settings& settings) const;

 private:
  mutable std::mutex lock_;
  std::map<std::string, PlacePtr> places_;
};

// Creates the queue with those beside it where they are missing, and sets what has changed. Errors: as of Client::call.
Task<Result<PlacePtr>> create(Client& client, const Settings& settings, const QueueDeclaration& wanted);
// Errors: not_found.
Task<Result<PlacePtr>> look_up(Client& client, const Settings& settings, const std::string& name);

// What SQS cannot do of it; "" where it can.
std::string refusal(const QueueDeclaration& wanted, const Settings& settings);

}  // namespace parley::queue::sqs
