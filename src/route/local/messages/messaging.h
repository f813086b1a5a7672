// Messaging: what the rpcs of parley.Queues and parley.Topics work with on one shard.
#pragma once

#include <functional>
#include <initializer_list>

#include "call/front.h"
#include "loop/shard.h"
#include "loop/timer.h"
#include "queue/api/convert.h"
#include "queue/broker.h"
#include "route/local/local_route.h"
#include "route/local/messages/door.h"
#include "route/local/messages/meant.h"

namespace parley::route {

// Owned by the node, on the broker's shard; outlives the calls.
struct Messaging {
  const Front& user;        // whose contract declares the queues and topics
  queue::Broker& broker;    // the shard's
  queue::Backend& backend;  // for names
  const Door& door;
  const contract::Contract& api;  // parley/queues.proto and topics.proto
  bool draining = false;          // what waits comes back empty-handed
};

// Waits are cut into pieces, so that a call whose caller has gone, or a node that stops, is noticed soon.
inline constexpr Duration wait_piece = std::chrono::seconds(1);
inline constexpr Duration max_wait = std::chrono::minutes(10);
inline constexpr int max_batch = 1000;

// Register the rpcs. `messaging` outlives the route.
void add_queues(LocalRoute& route, Messaging& messaging);
void add_publish_stream(LocalRoute& route, Messaging& messaging);
void add_lease_stream(LocalRoute& route, Messaging& messaging);
void add_redrive(LocalRoute& route, Messaging& messaging);
void add_topics(LocalRoute& route, Messaging& messaging);
void add_delete_group(LocalRoute& route, Messaging& messaging);

// A number or a time of a request: less than zero cannot be meant.
struct Amount {
  std::string_view field;
  std::int64_t value;     // of a duration: its count
  std::string_view zero;  // what 0 means
};
// Errors: invalid_argument, with the first field that is negative and what it may be.
Result<void> check_amounts(std::initializer_list<Amount> amounts);
Result<void> check_amounts(const queue::api::Settlement& settlement);

// Whose messages a request is about.
template <class Request>
queue::Source source_of(const Request& request) {
  if constexpr (requires { request.topic; }) {
    if constexpr (requires { request.group; })
      return {.name = request.topic, .group = request.group};
    else
      return {.name = request.topic, .group = {}};
  } else {
    return {.name = request.queue, .group = request.group};
  }
}

// The answer; an error with the name that was perhaps meant.
template <class T>
Task<Result<T>> about(const Messaging& messaging, queue::Source source, Task<Result<T>> answer) {
  auto reply = co_await std::move(answer);
  if (reply) co_return reply;
  co_return fail(with_name_meant(*messaging.user.contract(), source, std::move(reply).error()));
}

// Registers an rpc whose request names a queue, or a topic, that the broker may not have.
template <class Request, class Reply, class Answer>
void unary_about(LocalRoute& route, const Messaging& messaging, const char* path, Answer answer) {
  route.unary<Request, Reply>(path, [m = &messaging, answer](Call& call, Request request) {
    queue::Source source = source_of(request);
    return about(*m, std::move(source), answer(call, std::move(request)));
  });
}

// Through the door: what the broker is to store. The message's `json` has become its payload; errors are the door's.
Result<queue::Publish> admit(const Messaging& messaging, queue::api::PublishRequest request);

// Broker::lease, and Broker::read, until there is something, `wait` has passed, the call was cancelled or the node
// drains. What was leased for a call that is cancelled by then is released.
Task<Result<std::vector<queue::Delivery>>> lease_for(Messaging& messaging, Call& call, queue::LeaseRequest request,
                                                     Duration wait);
Task<Result<queue::Events>> read_for(Messaging& messaging, Call& call, queue::ReadRequest request, Duration wait);

inline queue::From behind(queue::Position position) {
  return {.kind = queue::From::Kind::after, .time = {}, .position = std::move(position)};
}
// Where a reader goes on: a look that found nothing moves only one who began at the end.
inline void go_on(const queue::Events& seen, queue::From& from) {
  if (!seen.events.empty() || from.kind == queue::From::Kind::latest) from = behind(seen.next);
}

// Gives back what nobody will work on. Errors are the lease's end, and nobody's loss.
Task<void> release(queue::Broker& broker, queue::Source source, std::vector<std::string> leases);

struct Listed {
  std::vector<queue::Source> sources;      // by name
  std::vector<queue::api::Status> failed;  // backends that did not answer
};
// All names there are, from a thread of their own: a backend may have to ask its broker. Errors: none answered.
Task<Result<Listed>> list_sources(queue::Backend& backend);
// The numbers of one; nothing where it is gone meanwhile, or did not answer, which `failed` then gets.
Task<std::optional<queue::Stats>> listed_stats(queue::Broker& broker, queue::Source source,
                                               std::vector<queue::api::Status>& failed);

// The number that was asked for, a default for zero, within 1 and `most`.
template <class T>
T within(T asked, T otherwise, T most) {
  return asked <= 0 ? otherwise : std::min(asked, most);
}

}  // namespace parley::route
