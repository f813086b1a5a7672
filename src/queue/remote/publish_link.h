// PublishLink: what is published to one queue or topic of another node. The messages travel together, over one
// PublishStream: what a turn of the loop publishes is one write, and each is answered when it is durable there.
//
// A stream lives for a second at most and the next one begins when it has been answered in full, so that a keeper that
// is to stop is not held up by one that stays open. Messages go in the order in which they were published. Of a stream
// that breaks, what was not answered may be stored or not, and fails so; what was not sent goes over the next one.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "loop/signal.h"
#include "loop/task_group.h"
#include "loop/timer.h"
#include "queue/broker.h"
#include "queue/remote/node_client.h"

namespace parley::queue::remote {

// Used on one shard. Outlived by both.
class PublishLink {
 public:
  PublishLink(Shard& shard, NodeClient& client);

  // Errors: the other node's; as Broker::publish.
  Task<Result<Receipt>> publish(Publish request);
  // Waits until nothing is on its way: soon after NodeClient::abandon.
  Task<void> ended() { return tasks_.join(); }

 private:
  // A message that is published, from the call until its answer.
  struct Sending {
    std::uint64_t tag = 0;
    std::string frame;  // kept for a stream that turns out to have reached nobody
    Instant until{};
    std::optional<Result<Receipt>> outcome;
    Signal done;
    void end(Result<Receipt> how) {
      outcome = std::move(how);
      done.notify();
    }
  };
  using SendingPtr = std::shared_ptr<Sending>;

  void flush();
  void send();
  Task<void> run();
  Task<void> stream();
  Task<std::optional<Error>> read_answers(Replies& replies);
  void answered(api::PublishStreamResponse response);
  void end_stream();
  void put_down(Error why, bool nothing_processed);
  void fail_queued(const Error& why);
  void sweep();
  void sweep_later();

  Shard& shard_;
  NodeClient& client_;
  std::deque<SendingPtr> queued_;  // by tag
  std::deque<SendingPtr> sent_;    // by tag, behind none of `queued_`; not answered
  std::size_t sent_bytes_ = 0;
  std::uint64_t last_tag_ = 0;

  net::ClientExchange* exchange_ = nullptr;  // while it takes messages
  bool any_answer_ = false;                  // on this stream
  int refusals_ = 0;                         // streams in a row that reached nobody
  bool running_ = false;
  TurnHook hook_;
  Timer end_of_stream_;
  Timer late_;
  TaskGroup tasks_;
};

}  // namespace parley::queue::remote
