#include "cli/websocket_route.h"

#include <random>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/base64.h"
#include "base/text.h"
#include "call/header_rules.h"
#include "contract/transcode.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "wire/base64.h"
#include "wire/websocket.h"

namespace parley::cli {
namespace {

using simdjson::SUCCESS;
using simdjson::dom::element;
using wire::WsOpcode;

constexpr std::size_t max_reply = std::size_t{64} << 20;
constexpr std::size_t key_bytes = 16;

std::uint32_t random_word() {
  static std::mt19937 random{std::random_device{}()};
  return static_cast<std::uint32_t>(random());
}

net::RequestHead head_of(const Call& call) {
  std::string nonce;
  while (nonce.size() < key_bytes) nonce += static_cast<char>(random_word());
  std::string key;
  base64_encode(nonce, key);
  net::RequestHead head;
  head.method = "GET";
  head.target = "/ws" + call.method().path;
  head.upgrade = "websocket";
  head.fields.add("sec-websocket-version", "13");
  head.fields.add("sec-websocket-key", key);
  head.fields.add("sec-websocket-protocol", "parley.json.v1");
  for (const Field field : call.metadata) {
    if (!passes(field.name, Direction::request)) continue;
    if (wire::is_bin(field.name)) {
      wire::add_bin_encoded(head.fields, field.name, field.value);
    } else {
      head.fields.add(field.name, field.value);
    }
  }
  return head;
}

Error broken(std::string_view text) {
  return Error(Code::internal, Blame::upstream, std::string(text)).with_reason("bad_websocket");
}

// One object of a frame, a problem document or a status: its texts.
std::string text_of(const element& object, const char* name) {
  std::string_view text;
  return object[name].get(text) == SUCCESS ? std::string(text) : std::string();
}

// {"code":"NOT_FOUND","message":…,"reason":…,"details":[…]}; success for OK.
Result<void> status_of(const element& status) {
  const std::string code = text_of(status, "code");
  if (code == "OK") return {};
  return fail(Error(code_from_name(code).value_or(Code::unknown), Blame::upstream, text_of(status, "message"))
                  .with_reason(text_of(status, "reason")));
}

void read_metadata(const element& frame, const char* name, Fields& to) {
  simdjson::dom::object metadata;
  if (frame[name].get(metadata) != SUCCESS) return;
  for (const auto field : metadata) {
    std::string_view value;
    if (field.value.get(value) == SUCCESS) to.add(field.key, value);
  }
}

// Why the handshake was refused: the node says it in a problem document.
Task<Error> refusal(net::ClientExchange& exchange, int status) {
  std::string body;
  for (;;) {
    auto chunk = co_await exchange.body().read();
    if (!chunk || !*chunk || body.size() > max_reply) break;
    body.append((*chunk)->view());
  }
  simdjson::dom::parser parser;
  element problem;
  if (parser.parse(simdjson::padded_string(body)).get(problem) != SUCCESS || !problem.is_object()) {
    co_return Error(Code::unavailable, Blame::upstream, fmt::format("HTTP status {} instead of a socket", status));
  }
  co_return Error(code_from_name(text_of(problem, "code")).value_or(Code::unknown), Blame::upstream,
                  text_of(problem, "detail"))
      .with_reason(text_of(problem, "reason"));
}

// One socket from its upgrade to its status.
class Socket {
 public:
  Socket(Call& call, net::ClientExchange& exchange) : call_(call), exchange_(exchange) {}

  Task<void> send_requests() {
    if (const auto left = call_.deadline().left(Shard::current().now())) {
      const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(*left).count();
      send(WsOpcode::text,
           fmt::format(R"({{"start":{{"timeout":"{}.{:06}s"}}}})", micros / 1'000'000, micros % 1'000'000));
    } else {
      send(WsOpcode::text, R"({"start":{}})");
    }
    for (;;) {
      auto message = co_await call_.requests.read();
      if (!message) co_return;
      if (!*message) break;
      std::string frame = R"({"message":)";
      if (auto put = contract::wire_to_json(*call_.method().input, (*message)->view(), frame); !put) {
        call_.cancel(std::move(put).error());
        co_return;
      }
      if (!co_await exchange_.request_body().write(masked(WsOpcode::text, frame + "}"))) co_return;
    }
    if (call_.method().client_streaming) send(WsOpcode::text, R"({"end":{}})");
  }

  Task<Result<void>> receive_replies() {
    wire::WebSocketDecoder decoder(wire::WebSocketDecoder::Peer::server, {.message_bytes = max_reply});
    for (;;) {
      auto chunk = co_await exchange_.body().read();
      if (!chunk) co_return fail(std::move(chunk).error());
      if (!*chunk) co_return fail(broken("the socket ended without a status"));
      std::string_view bytes = (*chunk)->view();
      for (;;) {
        const auto event = decoder.next(bytes);
        if (!event) co_return fail(broken(event.error().text));
        if (*event == wire::WebSocketDecoder::Event::need_more) break;
        if (*event == wire::WebSocketDecoder::Event::close)
          co_return fail(broken("the socket closed without a status"));
        if (*event == wire::WebSocketDecoder::Event::ping) send(WsOpcode::pong, decoder.payload());
        if (*event != wire::WebSocketDecoder::Event::text) continue;
        auto ended = co_await take(decoder.payload());
        if (!ended) co_return fail(std::move(ended).error());
        if (*ended) co_return std::move(status_);
      }
    }
  }

  void close() { send(WsOpcode::close, wire::ws_close_payload(static_cast<std::uint16_t>(wire::WsClose::normal), "")); }

 private:
  static Bytes masked(WsOpcode opcode, std::string_view payload) {
    std::string frame;
    wire::append_masked_ws_frame(frame, opcode, payload, random_word());
    return Bytes(std::move(frame));
  }
  void send(WsOpcode opcode, std::string_view payload) { exchange_.request_body().push(masked(opcode, payload)); }

  // True at the status. Errors: a frame that is none.
  Task<Result<bool>> take(std::string_view text) {
    element frame;
    if (parser_.parse(simdjson::padded_string(text)).get(frame) != SUCCESS || !frame.is_object())
      co_return fail(broken("a frame is not a JSON object"));
    element member;
    if (frame["headers"].get(member) == SUCCESS) {
      read_metadata(member, "metadata", call_.headers);
      call_.headers_complete();
    } else if (frame["message"].get(member) == SUCCESS) {
      std::string reply;
      if (auto read = contract::json_to_wire(*call_.method().output, simdjson::minify(member), reply); !read)
        co_return fail(broken(read.error().message()));
      if (!co_await call_.replies.write(Bytes(std::move(reply)))) co_return fail(*call_.cancelled());
    } else if (frame["status"].get(member) == SUCCESS) {
      read_metadata(member, "trailers", call_.trailers);
      status_ = status_of(member);
      co_return true;
    }
    co_return false;  // others are for clients that know them
  }

  Call& call_;
  net::ClientExchange& exchange_;
  simdjson::dom::parser parser_;
  Result<void> status_;
};

}  // namespace

Task<Result<void>> WebSocketRoute::handle(Call& call) {
  auto opened = co_await cluster_->open(head_of(call), false, call.deadline());
  if (!opened) co_return fail(std::move(opened).error());
  net::ClientExchange& exchange = **opened;
  const Call::OnCancel reset(call, [&exchange](const Error&) { exchange.reset(net::Reset::cancel); });
  auto head = co_await exchange.head();
  if (!head) co_return fail(std::move(head).error());
  if ((*head)->status != 101) co_return fail(co_await refusal(exchange, (*head)->status));
  Socket socket(call, exchange);
  TaskGroup sending;
  sending.spawn(socket.send_requests());
  Result<void> status = co_await socket.receive_replies();
  call.requests.abort(Error(Code::cancelled, Blame::caller, "the call has ended"));
  co_await sending.join();
  socket.close();
  exchange.finish();
  co_return status;
}

}  // namespace parley::cli
