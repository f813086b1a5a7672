#include "route/tunnel/tunnel.h"

#include <algorithm>
#include <array>
#include <random>

#include "base/base64.h"
#include "call/header_rules.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "loop/timer.h"
#include "net/websocket_handshake.h"

namespace parley::route {
namespace {

constexpr Duration handshake_timeout = std::chrono::seconds(10);  // for the service's answer

std::string new_key() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  const std::array<std::uint64_t, 2> nonce = {random(), random()};
  std::string key;
  base64_encode({reinterpret_cast<const char*>(nonce.data()), sizeof nonce}, key);
  return key;
}

// Of the handshake's own fields: what client and service settle between them.
bool is_settled_by_them(std::string_view name) {
  return name == "sec-websocket-protocol" || name == "sec-websocket-extensions" || name == "sec-websocket-version";
}

Fields passing(const Fields& from, Direction direction) {
  Fields to;
  for (const Field field : from) {
    if (is_settled_by_them(field.name) || passes(field.name, direction)) to.add(field.name, field.value);
  }
  return to;
}

void refuse(net::ServerExchange& exchange, TunnelMetrics& metrics, int status, std::string_view text,
            Fields fields = {}) {
  if (exchange.broken() || exchange.has_responded()) return;
  ++metrics.handshakes[status];
  fields.add("content-type", "text/plain; charset=utf-8");
  exchange.respond({.status = status, .fields = std::move(fields)});
  exchange.response_body().push(Bytes(std::string(text) + "\n"));
  exchange.finish();
}

// To the end of `from`. Errors: of either side.
Task<Result<void>> copy(Pipe& from, Pipe& to) {
  for (;;) {
    auto chunk = co_await from.read();
    if (!chunk) co_return fail(std::move(chunk).error());
    if (!*chunk) co_return Result<void>();
    if (auto written = co_await to.write(std::move(**chunk)); !written) co_return written;
  }
}

Task<void> pump_requests(net::ServerExchange& exchange, net::ClientExchange& upstream) {
  if (const auto copied = co_await copy(exchange.body(), upstream.request_body())) {
    upstream.finish();
  } else {
    upstream.reset(net::Reset::cancel);  // a no-op where the service ended first
  }
}

// While the service's answer is awaited: a client that goes, or time that passes, ends the wait.
class Waiting {
 public:
  explicit Waiting(net::ServerExchange& exchange)
      : exchange_(exchange), timer_([](void* self) { static_cast<Waiting*>(self)->stop(); }, this) {
    exchange.on_broken([](void* self) { static_cast<Waiting*>(self)->stop(); }, this);
    Shard& shard = Shard::current();
    timer_.set(shard.timers(), Deadline::after(shard.now(), handshake_timeout));
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { exchange_.on_broken(nullptr, nullptr); }

  net::OpenCancel cancel;
  net::ClientExchange* upstream = nullptr;

 private:
  void stop() {
    cancel.cancel();
    if (upstream != nullptr) upstream->reset(net::Reset::cancel);
  }
  net::ServerExchange& exchange_;
  Timer timer_;
};

net::RequestHead upstream_head(const net::RequestHead& request, const std::string& base, const std::string& key) {
  net::RequestHead head;
  head.method = "GET";
  head.authority = request.authority;  // the service compares it with Origin
  head.target = base + request.target;
  head.fields = passing(request.fields, Direction::request);
  head.fields.add("sec-websocket-key", key);
  head.upgrade = "websocket";
  return head;
}

}  // namespace

Tunnels::Tunnels(std::vector<Target> targets) : targets_(std::move(targets)) {
  std::ranges::sort(targets_, std::ranges::greater(), [](const Target& t) { return t.path.size(); });
}

const Tunnels::Target* Tunnels::find(const net::RequestHead& request) const {
  const std::string_view path = request.path();
  const auto is_at = [path](const Target& target) {
    return path.starts_with(target.path) &&
           (path.size() == target.path.size() || target.path.ends_with('/') || path[target.path.size()] == '/');
  };
  const auto found = std::ranges::find_if(targets_, is_at);
  return found == targets_.end() ? nullptr : &*found;
}

bool Tunnels::takes(const net::RequestHead& request) const {
  return !request.upgrade.empty() && find(request) != nullptr;
}

std::vector<TunnelMetrics> Tunnels::metrics() const {
  std::vector<TunnelMetrics> all;
  for (const Target& target : targets_) all.push_back(target.metrics);
  return all;
}

Task<std::unique_ptr<net::ClientExchange>> Tunnels::open(net::ServerExchange& exchange, Target& target) {
  const net::RequestHead& request = exchange.request();
  const std::string key = new_key();
  Waiting waiting(exchange);
  const net::RequestHead head = upstream_head(request, target.cluster->config().base_path, key);
  auto opened = co_await target.cluster->open(head, false, Deadline::never(), &waiting.cancel);
  if (!opened) {
    refuse(exchange, target.metrics, 503, opened.error().message());
    co_return nullptr;
  }
  std::unique_ptr<net::ClientExchange> upstream = std::move(*opened);
  waiting.upstream = upstream.get();
  const auto answer = co_await upstream->head();
  if (!answer) {
    refuse(exchange, target.metrics, 502, answer.error().message());
    co_return nullptr;
  }
  if (exchange.broken()) co_return nullptr;
  const int status = (*answer)->status;
  Fields fields = passing((*answer)->fields, Direction::reply);
  if (status == 101 && (*answer)->fields.get("sec-websocket-accept") != net::websocket_accept(key)) {
    refuse(exchange, target.metrics, 502, "the service's handshake is wrong: Sec-WebSocket-Accept does not fit");
    co_return nullptr;
  }
  ++target.metrics.handshakes[status];
  if (status != 101) {
    fields.add("content-type", (*answer)->fields.get("content-type"));
    exchange.respond({.status = status, .fields = std::move(fields)});
    co_return upstream;
  }
  if (request.method != "CONNECT")
    fields.add("sec-websocket-accept", net::websocket_accept(request.fields.get("sec-websocket-key")));
  exchange.accept_upgrade(std::move(fields));
  co_return upstream;
}

Task<void> Tunnels::serve(net::ServerExchange& exchange) {
  Target& target = targets_[static_cast<std::size_t>(find(exchange.request()) - targets_.data())];
  if (auto wrong = net::check_websocket(exchange.request()))
    co_return refuse(exchange, target.metrics, wrong->status, wrong->text, std::move(wrong->fields));
  const std::unique_ptr<net::ClientExchange> upstream = co_await open(exchange, target);
  if (upstream == nullptr) co_return;
  // Whatever is waited for below, the service's silence included: it ends with the client.
  exchange.on_broken([](void* at) { static_cast<net::ClientExchange*>(at)->reset(net::Reset::cancel); },
                     upstream.get());
  const bool is_open = exchange.is_upgraded();
  if (is_open) ++target.metrics.open;
  TaskGroup pumps;
  if (is_open) pumps.spawn(pump_requests(exchange, *upstream));
  const auto copied = co_await copy(upstream->body(), exchange.response_body());
  if (!exchange.broken() && copied) {
    exchange.finish();
  } else if (!exchange.broken()) {
    exchange.reset(net::Reset::internal_error);
  }
  upstream->reset(net::Reset::cancel);  // nothing of it is wanted any more
  if (pumps.live() > 0)
    exchange.body().abort(Error(Code::cancelled, Blame::upstream, "the service ended the connection"));
  co_await pumps.join();
  exchange.on_broken(nullptr, nullptr);
  if (is_open) --target.metrics.open;
}

}  // namespace parley::route
