// A socket whose client is the test, a service that streams, and a front for it: for tests of sessions.
#pragma once

#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "contract/load.h"
#include "edge/websocket/websocket_edge.h"
#include "loop/shard.h"

namespace parley::edge::websocket {

// Its client's end is the test; `read` takes what the server sent.
class TestExchange final : public net::ServerExchange {
 public:
  explicit TestExchange(std::string_view path) {
    request_ = {.method = "CONNECT", .scheme = "http", .authority = "test", .target = std::string(path), .fields = {}};
    request_.fields.add("sec-websocket-version", "13");
    request_.upgrade = "websocket";
    static const net::Peer peer{.address = "127.0.0.1:9", .tls = false, .http_version = 20, .subject = {}};
    peer_ = &peer;
  }
  void respond(net::ResponseHead head) override {
    responded_ = true;
    status = head.status;
  }
  void accept_upgrade(Fields) override { responded_ = upgraded_ = true; }
  void finish(Fields) override { finished = true; }
  void reset(net::Reset) override {
    was_reset = true;
    break_off(Error(Code::cancelled, Blame::us, "reset"));
  }
  void go_away() { break_off(Error(Code::cancelled, Blame::caller, "gone")); }
  void half_close() { body_.end(); }
  void drain() { tell_drain(); }

  void send(wire::WsOpcode opcode, std::string_view payload) {
    std::string frame;
    wire::append_masked_ws_frame(frame, opcode, payload, 7);
    body_.push(Bytes(frame));
  }
  void say(std::string_view json) { send(wire::WsOpcode::text, json); }
  // The frames since the last time: texts as they are, "ping", "close 1000 reason".
  std::string read() {
    std::string bytes;
    while (response_body_.count() > 0) bytes += (*response_body_.take())->view();
    std::string seen;
    for (std::string_view in = bytes; !in.empty();) {
      const auto event = decoder_.next(in);
      if (!event) return seen + std::string(event.error().text);
      using Event = wire::WebSocketDecoder::Event;
      if (*event == Event::ping) seen += "ping ";
      if (*event == Event::text) seen.append(decoder_.payload()).append(" ");
      if (*event == Event::close) seen += "close " + std::to_string(decoder_.close_code()) + " ";
    }
    return seen;
  }

  int status = 0;
  bool finished = false;
  bool was_reset = false;

 private:
  wire::WebSocketDecoder decoder_{wire::WebSocketDecoder::Peer::server, {}};
};

// Sends `replies` messages of `size` bytes, then waits for its end, or for more to send: notify `changed`.
class Source final : public Handler {
 public:
  Task<Result<void>> handle(Call& call) override {
    ++calls;
    const Call::OnCancel listener(call, [this](const Error& why) {
      cancelled = std::string(why.reason());
      changed.notify();
    });
    call.headers_complete();
    sent = 0;
    do {
      for (; sent < replies && !call.cancelled(); ++sent) {
        if (auto written = co_await call.replies.write(message()); !written) co_return written;
      }
      if (waits && !call.cancelled()) co_await changed.wait();
    } while (waits && !call.cancelled());
    co_return Result<void>();
  }
  int calls = 0;
  int replies = 0;
  int sent = 0;
  std::size_t size = 1;
  bool waits = true;
  std::string cancelled;
  Signal changed;

 private:
  Bytes message() const {
    std::string wire = "\x0a";
    for (std::size_t left = size; left >= 0x80 || wire.size() == 1; left >>= 7U)
      wire += static_cast<char>(left >= 0x80 ? (left & 0x7f) | 0x80 : left);
    if (size >= 0x80) wire += static_cast<char>(size >> 7U);
    return Bytes(wire + std::string(size, 'x'));
  }
};

inline contract::ContractPtr line_contract() {
  auto loaded = contract::load_texts(
      {{"t.proto",
        "syntax = \"proto3\"; package t; import \"parley/options.proto\"; message Line { string text = 1; }"
        "service S { rpc Unary(Line) returns (Line); rpc Stream(Line) returns (stream Line);"
        "rpc Kept(Line) returns (stream Line) { option (parley.stream) = {slow: DROP_OLDEST}; }"
        "rpc Closes(Line) returns (stream Line) { option (parley.stream) = {slow: CLOSE}; }"
        "rpc Shared(Line) returns (stream Line) { option (parley.stream) = {share: true history: 3}; }"
        "rpc Strict(Line) returns (stream Line) { option (parley.stream) = {share: true slow: CLOSE}; } }"}});
  EXPECT_NE(loaded.contract, nullptr) << contract::all_text(loaded.diagnostics);
  return loaded.contract;
}

class OneFront final : public Front {
 public:
  explicit OneFront(contract::ContractPtr contract = line_contract()) : contract_(std::move(contract)) {}
  contract::ContractPtr contract() const override { return contract_; }
  HandlerPtr handler(const contract::Method&) const override { return source; }
  std::shared_ptr<Source> source = std::make_shared<Source>();

 private:
  contract::ContractPtr contract_;
};

}  // namespace parley::edge::websocket
