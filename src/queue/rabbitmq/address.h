// Where RabbitMQ is, as `messages:` names it:
//
//   rabbitmq://user:password@host:5672/vhost?ca=FILE&cert=FILE&key=FILE&heartbeat=10s&dedup=process
//   rabbitmqs://…  the same over TLS, port 5671
//
// User, password and vhost are percent-encoded (the vhost "/" is left out, or %2F). Left out: guest, guest, 127.0.0.1.
#pragma once

#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"

namespace parley::queue::rabbitmq {

struct Address {
  bool tls = false;
  std::string user = "guest";
  std::string password = "guest";
  std::string host = "127.0.0.1";
  int port = 5672;
  std::string vhost = "/";
  std::string ca;    // PEM files; "" for ca: the system's
  std::string cert;  // of the client, with `key`; optional
  std::string key;
  Duration heartbeat = std::chrono::seconds(10);
  // The server's consumer_timeout (rabbitmq.conf): a message in nobody's hands longer than that ends the channel.
  Duration consumer_timeout = std::chrono::minutes(30);

  // `?dedup=process`: dedup windows are this process' memory, and that will do.
  bool dedup_in_process = false;

  // For logs and errors: without user and password.
  std::string text() const;
};

// Errors: invalid_argument, which never repeat the password.
Result<Address> parse_address(std::string_view url);

}  // namespace parley::queue::rabbitmq
