// Directory: which queues of SQS stand for a queue, a topic or a group of ours. Made by declare(); those that no
// contract declares are looked up when they are first used.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "queue/declaration.h"
#include "queue/sqs/client.h"
#include "queue/sqs/names.h"
#include "queue/sqs/settings.h"

namespace parley::queue::sqs {

struct Place {
  Source source;
  std::string label;  // for people, and unique
  QueueDeclaration wanted;
  bool topic = false;  // the topic itself, from where its groups are fed
  bool fifo = false;   // messages of a message group one at a time, in order; deduplication
  bool keyed = false;  // a message group may hold several messages
  std::string url;     // of NAME or NAME.fifo
  // Of queues and groups; a topic has neither, a group has no `later`.
  std::string dead_url;
  std::string later_url;
};
using PlacePtr = std::shared_ptr<const Place>;

// Thread-safe.
class Directory {
 public:
  PlacePtr find(const Source& source) const;
  void put(const PlacePtr& place);
  void remove(const Source& source);
  // Our queues and groups, by their names on SQS.
  std::map<std::string, Source> names(const Settings& settings) const;

 private:
  mutable std::mutex lock_;
  std::map<std::string, PlacePtr> places_;
};

// Creates what is missing, and sets what has changed. Errors: as of Client::call.
Task<Result<PlacePtr>> create(Client& client, const Settings& settings, const QueueDeclaration& wanted);
// The groups, then the topic. Errors: failed_precondition "not_by_this_backend": a new group would begin at events that
// are gone.
Task<Result<std::vector<PlacePtr>>> create(Client& client, const Settings& settings, const TopicDeclaration& wanted);
// Errors: not_found.
Task<Result<PlacePtr>> look_up(Client& client, const Settings& settings, Source source);

// Names on SQS that begin with `prefix`.
Task<Result<std::vector<std::string>>> list_names(Client& client, std::string prefix);
Task<Result<std::string>> url_of(Client& client, std::string sqs_name);

// What SQS cannot do of it; "" where it can.
std::string refusal(const QueueDeclaration& wanted, const Settings& settings);
std::string refusal(const TopicDeclaration& wanted, const Settings& settings);

// The tag of a group's queue that says that it takes what was published before it was there, too.
inline constexpr std::string_view earliest_tag = "parley-from-earliest";

}  // namespace parley::queue::sqs
