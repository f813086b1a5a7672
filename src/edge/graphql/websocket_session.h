// WebSocketSession: GraphQL over one WebSocket by the graphql-transport-ws protocol (npm graphql-ws, PROTOCOL.md): many
// operations at once, each with an id of the client's choice.
//
// One task reads the socket and begins an operation's task for each `subscribe`; operations send their own frames, one
// at a time. Lives in the edge's task for the exchange, on its shard.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "edge/graphql/engine.h"
#include "loop/signal.h"
#include "loop/task_group.h"
#include "loop/timer.h"
#include "net/websocket.h"

namespace parley::edge::graphql {

inline constexpr std::string_view transport_ws = "graphql-transport-ws";

class WebSocketSession {
 public:
  // Accepts the exchange's upgrade. Everything given outlives the session.
  WebSocketSession(net::ServerExchange& exchange, Engine& engine, CallContext context);
  ~WebSocketSession();
  WebSocketSession(const WebSocketSession&) = delete;
  WebSocketSession& operator=(const WebSocketSession&) = delete;

  // To the end of the socket.
  Task<void> run();

 private:
  class Live;
  using LivePtr = std::shared_ptr<Live>;

  void take(std::string_view message);
  void take_init(const JsonValue& payload);
  void take_subscribe(std::string_view text, const JsonValue& message);
  void take_complete(const std::string& id);
  void add_metadata(const JsonValue& members);
  // Ends the socket for something the client did.
  void refuse(std::uint16_t code, std::string_view why);
  void end_operations(const Error& why);
  void drain();
  Task<void> run_operation(LivePtr live);
  Task<void> execute(Live& live);
  // Sends a text frame of an operation's; `text` begins with room for the frame's head. False: nobody is there any
  // more, or wants to hear it.
  Task<bool> send(const Live& of, std::string text);
  Task<void> refuse(const Live& live, const std::vector<parley::graphql::GraphqlError>& errors);
  bool is_crowded() const { return tasks_.live() >= 2 * engine_.options().socket_operations; }
  void push(std::string_view message);

  net::ServerExchange& exchange_;
  Engine& engine_;
  CallContext context_;
  net::WebSocket socket_;
  Timer init_timer_;
  TaskGroup tasks_;
  std::map<std::string, LivePtr, std::less<>> live_;  // by the client's id
  Signal sent_;
  bool sending_ = false;  // a frame waits for the client to read
  bool open_ = false;     // connection_init came
  bool draining_ = false;
};

}  // namespace parley::edge::graphql
