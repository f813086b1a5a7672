// Where queues, topics and groups lie in Kafka. A topic's name there has letters, digits, '.', '_' and '-' only (and at
// most 249 of them), so "shop.Mailer/SendMail" is the topic "shop.Mailer.SendMail".
//
//   queue  shop.Mailer/SendMail    topic shop.Mailer.SendMail, group shop.Mailer.SendMail,
//                                  dead letters shop.Mailer.SendMail.dead
//   topic  orders, group mailer    topic orders, group orders.mailer, dead letters orders.mailer.dead, and
//                                  orders.mailer.retry for what only this group shall see again (redrive)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "queue/broker.h"
#include "queue/declaration.h"

namespace parley::queue::kafka {

struct Names {
  std::string log;
  std::string retry;  // "" for a queue: its dead letters go back to the log
  std::string dead;
  std::string group;

  // The topics that the group reads.
  std::vector<std::string> logs() const;
};

std::string topic_name(std::string_view prefix, std::string_view name);
Names names_of(std::string_view prefix, const Source& source);
// The topic of this node's own notes: what exists, what is paused, which dead letters are gone.
std::string notes_topic(std::string_view prefix);

// Whether Kafka can hold all of them. Errors: failed_precondition, a line for each name that is not legal and for each
// two that are the same there.
Result<void> check_names(std::string_view prefix, const Declarations& wanted);

}  // namespace parley::queue::kafka
