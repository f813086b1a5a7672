// ClientOrigin: a pool's connections to one origin, and the exchanges that wait for one.
#pragma once

#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "base/deadline.h"
#include "loop/shard.h"
#include "loop/signal.h"
#include "loop/task.h"
#include "net/client_connection.h"
#include "net/client_pool.h"
#include "net/connector.h"

namespace parley::net {

// Owned by a ClientPool, on its shard. Stable in memory as long as the pool.
//
// Invariants: 1. While an exchange waits, either a dial is under way, or the connections are at their bound, or the
// back-off timer is set. 2. Exchanges are served in the order they came: a new one waits behind those that wait. 3.
// Nothing is destroyed within a callback of its own: what is over waits in `finished_` for the end of the turn.
class ClientOrigin final : private ConnectionOwner {
 public:
  ClientOrigin(DialContext& context, const PoolLimits& limits, Origin origin);
  ~ClientOrigin();

  const Origin& origin() const { return origin_; }

  // As ClientPool::open. `head` is read when a connection is there, so that one head can be tried at several origins.
  // `cancel`: ends the wait with `cancelled`; may be null.
  Task<Result<std::unique_ptr<ClientExchange>>> open(const RequestHead& head, bool has_body, Deadline deadline,
                                                     OpenCancel* cancel = nullptr);
  // The same where nothing has to be waited for; null otherwise. The common case: no coroutine.
  std::unique_ptr<ClientExchange> try_open(const RequestHead& head, bool has_body);

  // True while new exchanges would fail at once: the origin could not be reached a moment ago and no connection is
  // left.
  bool is_failing() const;
  std::size_t connection_count() const { return connections_.size(); }
  std::uint32_t exchange_count() const;

  // No new exchanges; connections close as they become idle. `abandon`: at once.
  void retire();
  void abandon(const Error& why);
  // Notified when a connection is gone.
  Signal& changed() { return changed_; }

 private:
  struct Waiter {
    Signal woken;
    std::optional<Error> failed;
  };
  struct Queued;

  ClientConnection* free_connection();
  void pump();
  bool may_dial() const;
  void dial();
  void dialed(Dial& dial, Result<std::unique_ptr<ClientConnection>> result);
  void back_off(Error why);
  void fail_waiters(const Error& why);
  void bury();

  void connection_freed(ClientConnection& connection) override;
  void connection_retired(ClientConnection& connection) override;
  void connection_over(ClientConnection& connection) override;

  DialContext& context_;
  const PoolLimits& limits_;
  const Origin origin_;
  std::vector<std::unique_ptr<ClientConnection>> connections_;  // most lately used last
  std::vector<std::unique_ptr<Dial>> dials_;
  std::deque<Waiter*> waiting_;
  std::size_t retired_connections_ = 0;

  std::optional<Error> last_error_;  // of the latest connect, if it failed
  Instant back_off_until_{};
  Duration back_off_{};
  Timer back_off_timer_;
  std::minstd_rand jitter_;
  bool retired_ = false;

  std::vector<std::unique_ptr<ClientConnection>> finished_;
  std::vector<std::unique_ptr<Dial>> finished_dials_;
  TurnHook bury_hook_;
  Signal changed_;
};

}  // namespace parley::net
