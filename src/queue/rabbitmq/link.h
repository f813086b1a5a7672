// Link: a thread with one connection to RabbitMQ, which it opens again whenever it breaks (with back-off). All that it
// does happens on its thread: what others want is posted to it.
//
// A turn: run what was posted, handle the frames that are there, `turn`; then wait for the socket, a post or a time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/deadline.h"
#include "queue/rabbitmq/connection.h"

namespace parley::queue::rabbitmq {

// What is posted to a link's thread. May outlive the link: posting then does nothing.
class Inbox {
 public:
  Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  ~Inbox();
  // Any thread. False once it is closed: `work` will not run.
  bool post(std::function<void()> work);
  // The last thing that runs.
  void close(std::function<void()> work);
  std::vector<std::function<void()>> take();
  // Readable while something was posted; `drain` makes it silent again.
  int descriptor() const { return wake_; }
  void drain();

 private:
  const int wake_;
  std::mutex lock_;
  bool closed_ = false;                        // under lock_
  std::vector<std::function<void()>> posted_;  // under lock_
};

class Link {
 public:
  Link(Address address, std::string purpose);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  virtual ~Link() = default;

  // Any thread. False once it is stopped: `work` will not run.
  bool post(std::function<void()> work) { return inbox_->post(std::move(work)); }
  // For whoever may call after the link has gone.
  const std::shared_ptr<Inbox>& inbox() const { return inbox_; }

 protected:
  // The last thing a subclass' constructor does, and the first of its destructor.
  void start();
  void stop();

  // On the link's thread. `opened`: prepare channels; an error breaks the connection again.
  virtual Result<void> opened(Connection& connection) = 0;
  virtual void method(Connection& connection, int channel, const amqp_method_t& method) = 0;
  virtual void lost(const Error& why) = 0;
  // After each turn's work, with or without a connection. Returns when it wants to run at the latest.
  virtual Instant turn(Instant now) = 0;
  // The last turn: the connection is there or not. What still waits gets its answer here.
  virtual void stopping() = 0;

  // Hands what has come already to `method`: what RabbitMQ had sent on a channel before it answered us there.
  void read_frames();
  Connection* connection() { return connection_ && !connection_->is_dead() ? connection_.get() : nullptr; }
  // Why there is none.
  const Error& away() const { return away_; }
  const Address& address() const { return address_; }
  bool is_stopping() const { return stop_.load(); }

 private:
  void run();
  void connect(Instant now);
  void break_off();
  void wait(Instant until);

  const Address address_;
  const std::string purpose_;
  std::unique_ptr<Connection> connection_;
  Error away_;
  Instant retry_at_{};
  Duration back_off_{};
  bool said_ = false;  // the log knows that it is away

  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::atomic<bool> stop_{false};
  std::atomic<int> socket_{-1};  // to unblock a write when stopping
  std::thread thread_;
};

}  // namespace parley::queue::rabbitmq
