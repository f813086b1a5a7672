#include "edge/graphql/websocket_session.h"

#include <algorithm>

#include "call/header_rules.h"
#include "contract/text_escape.h"
#include "edge/graphql/errors.h"
#include "loop/shard.h"
#include "wire/media_type.h"

namespace parley::edge::graphql {
namespace {

using net::WebSocket;

// Close codes of the protocol.
constexpr std::uint16_t bad_message = 4400;
constexpr std::uint16_t unauthorized = 4401;
constexpr std::uint16_t init_timeout = 4408;
constexpr std::uint16_t id_in_use = 4409;
constexpr std::uint16_t too_many_inits = 4429;
constexpr std::uint16_t going_away = 1001;

std::string frame(std::string_view id, std::string_view type) {
  std::string text(WebSocket::frame_room, '\0');
  text += "{\"id\":";
  contract::append_json_string(text, id);
  text.append(R"(,"type":")").append(type).append("\"");
  return text;
}

Error left() {
  return Error(Code::cancelled, Blame::caller, "the client ended the operation").with_reason("completed");
}

Error stopping() { return Error(Code::unavailable, Blame::us, "Parley stops: connect again").with_reason("draining"); }

}  // namespace

// One operation of the socket, from `subscribe` to its end.
class WebSocketSession::Live final : public ResultSink {
 public:
  Live(WebSocketSession& session, std::string_view id, std::string_view text)
      : session_(session), id_(id), text_(text) {}

  // False: the message is none of the protocol's.
  bool parse() {
    auto document = JsonDocument::parse(text_);
    if (!document) return false;
    document_ = std::move(*document);
    return request_.read_members(document_.root().find("payload")).has_value() && !request_.query.empty();
  }

  Task<bool> next(std::string response) override {
    if (is_silent_) co_return false;
    std::string text = frame(id_, "next");
    text.append(",\"payload\":").append(response).append("}");
    co_return co_await session_.send(*this, std::move(text));
  }

  void stop() {
    is_silent_ = true;
    session_.sent_.notify();  // what waits to be sent is not: its id may be another one's already
    if (operation) operation->cancel(left());
  }
  bool is_silent() const { return is_silent_; }
  const std::string& id() const { return id_; }
  const ParsedRequest& request() const { return request_; }

  std::unique_ptr<Operation> operation;

 private:
  WebSocketSession& session_;
  std::string id_;
  std::string text_;
  JsonDocument document_;
  ParsedRequest request_;
  bool is_silent_ = false;  // the client wants to hear no more of it
};

WebSocketSession::WebSocketSession(net::ServerExchange& exchange, Engine& engine, CallContext context)
    : exchange_(exchange),
      engine_(engine),
      context_(std::move(context)),
      socket_(exchange, engine.options().socket, transport_ws),
      init_timer_(
          [](void* self) {
            static_cast<WebSocketSession*>(self)->refuse(init_timeout, "Connection initialisation timeout");
          },
          this) {
  Shard& shard = Shard::current();
  init_timer_.set(shard.timers(), Deadline::after(shard.now(), engine.options().init_timeout));
  exchange.on_broken(
      [](void* of) {
        auto* self = static_cast<WebSocketSession*>(of);
        self->end_operations(*self->exchange_.broken());
      },
      this);
  exchange.on_drain([](void* self) { static_cast<WebSocketSession*>(self)->drain(); }, this);
}

WebSocketSession::~WebSocketSession() {
  exchange_.on_broken(nullptr, nullptr);
  exchange_.on_drain(nullptr, nullptr);
}

Task<void> WebSocketSession::run() {
  for (;;) {
    // A client that asks and does not take its answers is not read on: they would pile up.
    while (is_crowded() && socket_.can_send()) co_await tasks_.changed().wait();
    const WebSocket::Event event = socket_.next();
    if (event == WebSocket::Event::closed) break;
    if (event == WebSocket::Event::need_more) {
      co_await socket_.more();
    } else if (event == WebSocket::Event::text) {
      take(socket_.payload());
    } else {
      refuse(bad_message, "Invalid message received");
    }
  }
  if (socket_.end().cause == WebSocket::Cause::failed) socket_.close(socket_.end().code, socket_.end().reason);
  init_timer_.clear();
  end_operations(left());
  if (tasks_.live() > 0) co_await tasks_.join();
  if (!exchange_.broken()) exchange_.finish();
}

// ---- from the client

void WebSocketSession::take(std::string_view message) {
  if (!socket_.can_send()) return;
  const auto document = JsonDocument::parse(message);
  const JsonValue root = document ? document->root() : JsonValue();
  const std::string_view type = root.find("type").text();
  if (type == "connection_init") return take_init(root.find("payload"));
  if (type == "ping") {
    const JsonValue payload = root.find("payload");
    return push(payload.is_end() ? R"({"type":"pong"})"
                                 : R"({"type":"pong","payload":)" + std::string(payload.raw()) + "}");
  }
  if (type == "pong") return;
  const JsonValue id = root.find("id");
  const bool has_id = id.is(JsonKind::string) && !id.text().empty();
  if (type == "subscribe" && has_id) return take_subscribe(message, root);
  if (type == "complete" && has_id) return take_complete(std::string(id.text()));
  refuse(bad_message, "Invalid message received");
}

// Browsers cannot set headers: what a client says here is metadata of its operations, as `{"authorization": "…"}` or
// `{"headers": {…}}`.
void WebSocketSession::take_init(const JsonValue& payload) {
  if (open_) return refuse(too_many_inits, "Too many initialisation requests");
  open_ = true;
  init_timer_.clear();
  add_metadata(payload);
  add_metadata(payload.find("headers"));
  push(R"({"type":"connection_ack"})");
}

void WebSocketSession::add_metadata(const JsonValue& members) {
  if (!members.is(JsonKind::object)) return;
  for (JsonValue member = members.first(); !member.is_end(); member = member.next()) {
    const std::string name = wire::lower_case(member.key());
    const bool is_token = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
    });
    const bool is_value =
        member.is(JsonKind::string) && member.text().find_first_of("\r\n\0", 0, 3) == std::string_view::npos;
    if (is_token && is_value && !name.ends_with("-bin") && passes(name, Direction::request)) {
      context_.metadata.set(name, member.text());
    }
  }
}

void WebSocketSession::take_subscribe(std::string_view text, const JsonValue& message) {
  if (!open_) return refuse(unauthorized, "Unauthorized");
  const std::string id(message.find("id").text());
  if (live_.contains(id)) return refuse(id_in_use, "Subscriber for " + id + " already exists");
  auto live = std::make_shared<Live>(*this, id, text);
  if (!live->parse()) return refuse(bad_message, "Invalid message received");
  live_.emplace(id, live);
  tasks_.spawn(run_operation(std::move(live)));
}

void WebSocketSession::take_complete(const std::string& id) {
  const auto at = live_.find(id);
  if (at == live_.end()) return;
  at->second->stop();
  live_.erase(at);
}

void WebSocketSession::refuse(std::uint16_t code, std::string_view why) {
  socket_.close(code, why);
  end_operations(left());
}

void WebSocketSession::end_operations(const Error& why) {
  for (auto& [id, live] : live_) {
    live->stop();
    if (live->operation) live->operation->cancel(why);
  }
  live_.clear();
}

// Streams end at once, so that their clients go elsewhere; what answers once may still do so.
void WebSocketSession::drain() {
  draining_ = true;
  std::erase_if(live_, [](const auto& entry) {
    const Live& live = *entry.second;
    const bool streams = live.operation && live.operation->kind() == ql::OperationKind::subscription;
    if (streams) entry.second->stop();
    return streams;
  });
  if (live_.empty()) socket_.close(going_away, "Parley stops: connect again");
}

// ---- operations

Task<void> WebSocketSession::run_operation(LivePtr live) {
  co_await execute(*live);
  if (!live->is_silent()) live_.erase(live->id());
  if (draining_ && live_.empty()) socket_.close(going_away, "Parley stops: connect again");
}

Task<void> WebSocketSession::refuse(const Live& live, const std::vector<ql::GraphqlError>& errors) {
  std::string text = frame(live.id(), "error");
  text += ",\"payload\":";
  ql::write_json(errors, text);
  (void)co_await send(live, std::move(text += '}'));
}

Task<void> WebSocketSession::execute(Live& live) {
  if (live_.size() > engine_.options().socket_operations) {
    co_return co_await refuse(live,
                              {request_error("The socket has too many operations at once.", "too_many_operations")});
  }
  auto operation = engine_.prepare(live.request(), context_);
  if (!operation) co_return co_await refuse(live, operation.error());
  const bool streams = (*operation)->kind() == ql::OperationKind::subscription;
  if (streams && draining_) co_return co_await refuse(live, {graphql_error(stopping(), nullptr)});
  live.operation = std::move(*operation);
  if (streams) {
    co_await live.operation->subscribe(live);
  } else {
    std::string response;
    co_await live.operation->run(response);
    (void)co_await live.next(std::move(response));
  }
  if (!live.is_silent()) (void)co_await send(live, frame(live.id(), "complete") + "}");
}

// ---- to the client

Task<bool> WebSocketSession::send(const Live& of, std::string text) {
  while (sending_ && !of.is_silent()) co_await sent_.wait();
  if (of.is_silent() || !socket_.can_send()) co_return false;
  sending_ = true;
  const auto done = co_await socket_.send(socket_.seal(wire::WsOpcode::text, text));
  sending_ = false;
  sent_.notify();
  co_return done.has_value();
}

void WebSocketSession::push(std::string_view message) {
  std::string text(WebSocket::frame_room, '\0');
  text += message;
  socket_.push(WebSocket::seal_plain(wire::WsOpcode::text, text));
}

}  // namespace parley::edge::graphql
