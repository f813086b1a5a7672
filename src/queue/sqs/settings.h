// Settings: where the queues are and who asks, from an address and the environment.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"
#include "net/client_pool.h"
#include "queue/sqs/sigv4.h"

namespace parley::queue::sqs {

struct Settings {
  net::Origin origin;
  std::string region;
  Credentials credentials;  // none: requests are not signed; only for an endpoint of one's own without TLS
  std::string prefix;       // of every queue's name: several environments in one account
  // How long SQS holds a question for messages, and so how long closing may take: whole seconds, at most 20.
  Duration poll = std::chrono::seconds(5);
  Duration back_off = std::chrono::milliseconds(500);  // before a second attempt, at most twice that; doubles
  Duration answer_time = std::chrono::seconds(10);     // that an answer may take, its own waiting not included
  Duration start_patience = std::chrono::seconds(30);  // how long a start waits for a service that is away
  std::size_t max_message = 1 << 20;                   // bytes of a message with its attributes, and of a batch
};

// The value of an environment variable.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
Environment process_environment();

// "sqs://eu-west-1", "sqs://" (AWS_REGION or AWS_DEFAULT_REGION), "sqs://host:port?region=…" over TLS,
// "sqs+http://host:port?region=…" without it; ?prefix=, poll=5s, max_message=256KiB, ca=FILE. Credentials come from
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. Errors: invalid_argument, with what to write instead.
Result<Settings> parse_settings(std::string_view address, const Environment& environment);

}  // namespace parley::queue::sqs
