// What queues and topics are called on SQS: "shop.Mailer/SendMail" is "shop-Mailer-SendMail", with ".fifo" behind it
// where order or uniqueness is asked for, and two queues beside it. The topic "orders" is "orders-topic", and its group
// "mailer" is a queue "orders--mailer".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "queue/broker.h"

namespace parley::queue::sqs {

struct Names {
  std::string main;
  std::string dead;   // "NAME-dead": dead letters, with the reason
  std::string later;  // "NAME-later": messages whose time has not come
};

// Of a queue or a group. Names may also be as SQS has them, without ".fifo". Errors: invalid_argument: characters that
// have no place there, or too long (SQS: 80).
Result<Names> names_of(const Source& source, std::string_view prefix, bool fifo);
// Of a topic: where events wait until every group has them.
Result<std::string> topic_name(std::string_view topic, std::string_view prefix, bool fifo);
// What the names of a topic's groups begin with.
std::string groups_prefix(std::string_view topic, std::string_view prefix);

// The queue or group of that name, as far as SQS' name tells; nothing for a queue that stands beside another, for a
// topic's own, or without the prefix.
std::optional<Source> source_of(std::string_view sqs_name, std::string_view prefix);

// For people: "orders (group mailer)".
std::string label_of(const Source& source);

}  // namespace parley::queue::sqs
