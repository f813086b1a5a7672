// What a queue is called on SQS: "shop.Mailer/SendMail" is "shop-Mailer-SendMail", with ".fifo" behind it where order
// or uniqueness is asked for, and two queues beside it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace parley::queue::sqs {

struct Names {
  std::string main;
  std::string dead;   // "NAME-dead": dead letters, with the reason
  std::string later;  // "NAME-later": messages whose time has not come
};

// `name` may also be the SQS name without its ".fifo". Errors: invalid_argument: characters that have no place there,
// or too long (SQS: 80).
Result<Names> names_of(std::string_view name, std::string_view prefix, bool fifo);

// The name without prefix and ".fifo"; "" for a queue that stands beside another, or without the prefix.
std::string_view own_name(std::string_view sqs_name, std::string_view prefix);

}  // namespace parley::queue::sqs
