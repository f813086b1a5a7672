#include "net/server.h"

#include <utility>

#include <unistd.h>

#include "base/log.h"
#include "net/listener.h"
#include "net/server_connection.h"
#include "net/tls_server.h"

namespace parley::net {
namespace {

class ServerImpl final : public Server, private ServerContext {
 public:
  ServerImpl(Shard& on, std::shared_ptr<TlsServerContext> tls_context, const ServerLimits& bounds,
             ExchangeHandler& answers)
      : ServerContext(on, bounds, answers),
        tls_(std::static_pointer_cast<OpenSslServerContext>(std::move(tls_context))),
        reaper_([](void* self) { static_cast<ServerImpl*>(self)->reap(); }, this) {}

  ~ServerImpl() override {
    listener_.reset();
    close_all("the server ends");
    reap();
  }

  Result<void> listen(const ListenConfig& config) {
    const auto accepted = [](void* self, int fd) { static_cast<ServerImpl*>(self)->accepted(fd); };
    Result<std::unique_ptr<Listener>> listener =
        Listener::open(shard, config.address, config.reuse_port, accepted, this);
    if (!listener) return fail(std::move(listener).error());
    listener_ = *std::move(listener);
    port_ = listener_->port();
    return {};
  }

  std::uint16_t port() const override { return port_; }
  std::size_t connection_count() const override { return count_; }
  Task<void> drain(Deadline deadline) override;

  void retire(ServerConnection& connection) override {
    unlink(connection);
    connection.next = retired_;
    retired_ = &connection;
    shard.at_turn_end(reaper_);
  }

 private:
  void accepted(int fd);
  void unlink(ServerConnection& connection);
  void reap();
  // Every connection may retire while the list is walked.
  template <class Do>
  void each(Do what) {
    for (ServerConnection* c = first_; c != nullptr;) {
      ServerConnection* next = c->next;
      what(*c);
      c = next;
    }
  }
  void close_all(std::string_view why) {
    each([&](ServerConnection& c) {
      c.close(Error(Code::unavailable, Blame::us, std::string(why)).with_reason("draining"));
    });
  }

  std::shared_ptr<OpenSslServerContext> tls_;
  std::unique_ptr<Listener> listener_;
  std::uint16_t port_ = 0;
  ServerConnection* first_ = nullptr;
  ServerConnection* retired_ = nullptr;
  std::size_t count_ = 0;  // connections not retired
  TurnHook reaper_;
  Signal changed_;
};

void ServerImpl::accepted(int fd) {
  if (count_ >= limits.connections) {
    ::close(fd);
    return;
  }
  const std::shared_ptr<SSL_CTX> context = tls_ != nullptr ? tls_->current() : nullptr;
  tls = context.get();
  auto* connection = new ServerConnection(*this, fd);  // owned by the list until it retires, then by `reap`
  connection->next = first_;
  if (first_ != nullptr) first_->previous = connection;
  first_ = connection;
  ++count_;
  connection->start();
  tls = nullptr;  // the connection's own TLS object keeps the context alive
}

void ServerImpl::unlink(ServerConnection& connection) {
  (connection.previous != nullptr ? connection.previous->next : first_) = connection.next;
  if (connection.next != nullptr) connection.next->previous = connection.previous;
  connection.next = connection.previous = nullptr;
  --count_;
  changed_.notify();
}

void ServerImpl::reap() {
  while (retired_ != nullptr) {
    ServerConnection* connection = retired_;
    retired_ = connection->next;
    delete connection;
  }
}

Task<void> ServerImpl::drain(Deadline deadline) {
  if (listener_ != nullptr) listener_->accept_all();
  listener_.reset();
  draining = true;
  each([](ServerConnection& c) { c.drain(); });
  bool late = deadline.passed(shard.now());
  struct Late {
    ServerImpl* self;
    bool* late;
  } context{this, &late};
  Timer timer(
      [](void* at) {
        auto* l = static_cast<Late*>(at);
        *l->late = true;
        l->self->changed_.notify();
      },
      &context);
  if (!late) timer.set(shard.timers(), deadline);
  while (count_ > 0 && !late) co_await changed_.wait();
  if (count_ > 0) log::warn("the drain's time is over: {} connections are closed", count_);
  close_all("the drain's time is over");
  while (count_ > 0) co_await changed_.wait();
  co_await tasks.join();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(Shard& shard, const ListenConfig& config, const ServerLimits& limits,
                                               ExchangeHandler& handler) {
  auto server = std::make_unique<ServerImpl>(shard, config.tls, limits, handler);
  Result<void> listening = server->listen(config);
  if (!listening) return fail(std::move(listening).error());
  return server;
}

}  // namespace parley::net
