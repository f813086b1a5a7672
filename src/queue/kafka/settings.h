// What `messages: kafka://…` says; docs/formats/delivery-kafka.md lists the options.
#pragma once

#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"

namespace parley::queue::kafka {

struct Settings {
  std::string brokers;  // "host:port,host:port"
  bool tls = false;
  std::string ca;  // PEM file; "": the system's authorities
  std::string user;
  std::string password;
  std::string mechanism = "PLAIN";              // SASL's name; used if there is a user
  std::string prefix;                           // of all topics and groups that this node touches
  int partitions = -1;                          // of topics that are created; -1: the brokers' default
  int replication = -1;                         // the same
  Duration timeout = std::chrono::seconds(10);  // of a publish, of a request
  Duration session = std::chrono::seconds(10);  // a consumer that is silent for so long lost its partitions
  Duration drain = std::chrono::seconds(10);    // how long a rebalance waits for handlers
  bool dedup_in_process = false;                // `dedup=process`: the window is this process' memory, and that is fine

  // "kafkas://h1:9092,h2:9092": for logs, without user and password.
  std::string text() const;
};

// kafka[s]://[user:password@]host[:port][,host[:port]…][?option=value&…]; user and password are percent-encoded.
// Errors: invalid_argument, which never quote the password.
Result<Settings> parse_url(std::string_view url);

}  // namespace parley::queue::kafka
