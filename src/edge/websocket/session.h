// Session: one socket, one call. The socket's frames become the call's requests in one task, `pump`, which goes on
// until the socket is closed; `run` sends the replies, the status and the close frame.
//
// Lives in the edge's task, on its shard; shorter than the exchange.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "call/call.h"
#include "call/handler.h"
#include "edge/websocket/frames.h"
#include "edge/websocket/options.h"
#include "edge/websocket/shared_streams.h"
#include "loop/signal.h"
#include "loop/task_group.h"
#include "loop/timer.h"
#include "net/exchange.h"
#include "net/websocket.h"

namespace parley::edge::websocket {

class Session {
 public:
  // Accepts the exchange's upgrade.
  Session(net::ServerExchange& exchange, const WebSocketOptions& options, const contract::ContractPtr& contract,
          const contract::Method& method, HandlerPtr handler, SharedStreams& shared, Format format);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // To the end of the socket.
  Task<void> run();

 private:
  Task<void> pump();
  // Returns true where `frame.message` is to be written to the call.
  bool take(ClientFrame& frame);
  void take_start(Start start);
  bool take_message();
  void take_end();
  void begin();
  void closed();
  // The call ends with `why`; the socket closes with `code`, or as the status has it.
  void fail_call(Error why, std::uint16_t code = 0);
  void broken_off();
  void drain();
  void stop();
  // Replies still go to the client. Its own flags too: a call that has finished is not cancelled any more, and what it
  // said may wait here for long.
  bool goes_on() const { return socket_.can_send() && !gone_ && !failed_ && !call_.cancelled(); }
  // The client's window is used up.
  bool is_held() const { return window_ && *window_ == 0 && goes_on(); }
  void count_sent();
  void watch_slow();
  void lose_patience();

  // By the kind of rpc, and by what is done about slow clients.
  Task<void> send_replies();
  Task<void> send_only_reply();
  Task<void> send_stream();
  Task<void> send_kept_stream();
  Task<void> send_shared_stream();
  Task<void> send_shared_stream(const SharedStream::Reader& stream);
  // Waits while the client's window is used up.
  Task<void> wait_window();
  // The messages from number `next` on, until `ended` and all of them are sent.
  Task<void> send_ring(Ring& ring, std::uint64_t next, const bool& ended);
  Task<void> fill(Ring& ring, bool& ended);
  void send_headers(const Fields& headers, bool resumed = false);
  void send_skipped(std::uint64_t messages);
  void send_pong();
  void send_status();
  // One reply message as a frame; nothing: it cannot be shown, and the call has failed.
  std::optional<Bytes> reply_frame(const Bytes& message);
  Bytes seal(std::string& text);
  bool is_json() const { return format_ == Format::json; }

  net::ServerExchange& exchange_;
  const WebSocketOptions& options_;
  HandlerPtr handler_;
  SharedStreams& shared_;
  net::WebSocket socket_;
  Call call_;
  Call::OnCancel on_cancel_;
  Signal changed_;
  Timer drain_timer_;
  Timer slow_timer_;
  std::optional<Error> failed_;  // the status, instead of what the handler said
  TaskGroup tasks_;
  std::string resume_;
  std::uint32_t history_ = 0;
  std::optional<std::uint64_t> window_;  // messages that the client takes now; nothing: any number
  Format format_;
  SlowPolicy slow_;
  std::uint16_t close_code_ = 0;  // instead of the status' own
  bool begun_ = false;            // the handler may be called
  bool started_ = false;          // a first frame came
  bool has_message_ = false;      // of an rpc that takes one
  bool ended_ = false;            // no more messages come
  bool gone_ = false;             // there is nobody to talk to
};

}  // namespace parley::edge::websocket
