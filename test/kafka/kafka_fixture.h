// A real Kafka for gtests (control.py beside this file), and a node's half of a backend: one shard, one broker.
#pragma once

#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/run_blocking.h"
#include "loop/shard.h"
#include "queue/kafka/backend.h"

namespace parley::queue::kafka {

// Started by the first test, stopped after the last.
class KafkaServer : public testing::Environment {
 public:
  static KafkaServer& get();

  void SetUp() override;
  void TearDown() override;
  // "kill", "stop", "freeze", "thaw", "start": see control.py. Returns when it is done.
  void tell(const std::string& order);

  std::string port;
  std::string tls_port;
  std::string sasl_port;
  std::string ca;

 private:
  std::string line();
  pid_t pid_ = -1;
  FILE* to_ = nullptr;
  FILE* from_ = nullptr;
};

// For what comes at once where the machine has nothing else to do.
constexpr Duration patience = std::chrono::seconds(120);

// A node of its own: a backend, a shard (of the calling thread), a broker. Its session and time-outs outlive a machine
// that stops for a while; a test that waits for them to pass names shorter ones.
class Node {
 public:
  // `options` go behind the others, of which they replace some: "&partitions=1&timeout=3s".
  explicit Node(const std::string& prefix, const std::string& options = "");
  struct Url {
    std::string text;
  };
  explicit Node(const Url& url) { open(url.text); }
  ~Node() { end(); }
  void end();

  template <class T>
  T wait(Task<T> task) {
    return run_blocking(shard_, std::move(task));
  }
  Broker& broker() { return *broker_; }
  Backend& backend() { return *backend_; }
  Shard& shard() { return shard_; }

  Result<Receipt> publish(const std::string& to, const std::string& payload, const std::string& key = "");
  // At most `wait`; fails the test on an error.
  std::vector<Delivery> lease(const Source& source, int max = 1, Duration wait = patience,
                              Duration lease = std::chrono::minutes(10));
  // Leases until it has so many, as long as some come.
  std::vector<Delivery> lease_all(const Source& source, std::size_t count);
  Result<void> settle(const Source& source, const Delivery& delivery, Settlement how = {});
  // The payload of the next one, which is settled; "" if there is none in time.
  std::string next(const Source& source, Duration wait = patience);
  Stats stats(const Source& source);

 private:
  void open(const std::string& url);

  WallClock clock_;
  Shard shard_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Broker> broker_;
};

inline Source queue(const std::string& name) { return {.name = name, .group = ""}; }
inline std::string text(const Delivery& delivery) { return std::string(delivery.message.payload.view()); }

struct Wish {
  std::string name;
  std::string group = "";  // a queue
  bool keyed = false;
  bool from_earliest = true;
  Duration ttl{};
  Duration dedup{};
};
Declarations declarations(const std::vector<Wish>& wishes);
// Fresh for each test.
std::string new_prefix();

#define ASSERT_OK(result)                                           \
  do {                                                              \
    const auto& ok_result = (result);                               \
    ASSERT_TRUE(ok_result.has_value()) << ok_result.error().text(); \
  } while (false)

}  // namespace parley::queue::kafka
