// For the edges' tests: an exchange in memory, a front of in-process handlers, and replies as text that rows of a table
// can state.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "call/front.h"
#include "edge/rpc/options.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "net/exchange.h"

namespace parley::edge::test {

// One exchange without a connection. The response is kept as it was given.
class FakeExchange final : public net::ServerExchange {
 public:
  FakeExchange(net::RequestHead request, int http_version);

  void respond(net::ResponseHead head) override;
  void finish(Fields trailers) override;
  void reset(net::Reset code) override;
  void accept_upgrade(Fields) override {}
  // As if the client went away.
  void lose() { break_off(Error(Code::cancelled, Blame::caller, "the client went away")); }

  net::ResponseHead head;
  Fields trailers;
  std::string sent;  // of the body
  bool finished = false;
  bool was_reset = false;

 private:
  net::Peer peer_of_test_;
};

struct Request {
  std::string path = "/test.Echo/Unary";
  std::string content_type = "application/grpc";
  std::string body = {};
  Fields fields = {};
  std::string method = "POST";
  int http_version = 20;
  bool ends = true;  // the body does
};

net::RequestHead head_of(const Request& request);

// The contract of testdata/echo.proto, answered by handlers that do as the text of the (first) message says:
//   "fail"     not_found "no such \"thing\"" with a detail, before any reply
//   "late"     the same, after one reply on a stream
//   "none"     success without a reply;  "two": two replies
//   "wait"     nothing until the call is cancelled
//   "big"      1 MiB of text
//   "meta"     headers and trailers of the caller's metadata, "x-…" only
//   otherwise  Unary, Get: the message; Split: one reply a letter; Join: all texts as one; Chat: each message as it
//   comes
class TestFront final : public Front {
 public:
  TestFront();
  contract::ContractPtr contract() const override { return contract_; }
  HandlerPtr handler(const contract::Method& method) const override;

  mutable int calls = 0;     // whose handler got a message
  mutable std::string seen;  // why the handler ended, where it waited: the canonical code

 private:
  contract::ContractPtr contract_;
};

// test.Text as wire bytes.
std::string text_message(std::string_view text);
std::string text_of(std::string_view wire);
// In a frame.
std::string framed(std::string_view payload, std::uint8_t flags = 0);
inline std::string text_frame(std::string_view text) { return framed(text_message(text)); }

// The frames of a body as "flags:payload" with a space between; texts of messages instead of their wire bytes.
std::string show_frames(std::string_view body);
// "name: value; " for each field but content-type and content-length.
std::string show_fields(const Fields& fields);

// Gives `exchange` the request's body in chunks of `chunk` bytes (0: at once), serves it, and takes the whole response.
// `meanwhile` runs once nothing moves any more: to let time pass, or to lose the client.
using Meanwhile = std::function<void()>;
void serve(Shard& shard, net::ExchangeHandler& edge, FakeExchange& exchange, const Request& request,
           const Meanwhile& meanwhile = {}, std::size_t chunk = 0);

}  // namespace parley::edge::test
