// Contract: an immutable set of compiled services. Each call holds a snapshot (`ContractPtr`), so a reload swaps the
// whole and calls in flight finish on the old one. Built on any thread, then read from every shard without locks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "contract/http_rule.h"
#include "contract/message_options.h"

namespace google::protobuf {
class DescriptorPool;
class FileDescriptor;
class MethodDescriptor;
class ServiceDescriptor;
}  // namespace google::protobuf

namespace parley::contract {

class MessageTable;
class TableSet;
class Router;

// google.protobuf.MethodOptions.IdempotencyLevel.
enum class Idempotency : std::uint8_t { unknown, no_side_effects, idempotent };

// (parley.stream).
enum class SlowCaller : std::uint8_t { unsaid, wait, drop_oldest, close };
struct StreamOptions {
  bool share = false;
  std::uint32_t history = 0;  // messages
  SlowCaller slow = SlowCaller::unsaid;
  std::vector<std::string> metadata;  // names in lower case
};

// One rpc.
struct Method {
  std::string service;  // "shop.Orders"
  std::string name;     // "GetOrder"
  std::string path;     // "/shop.Orders/GetOrder": gRPC's, gRPC-Web's and Connect's address
  std::uint32_t index;  // 0..method_count-1 within its contract: an index into per-method counters
  bool client_streaming = false;
  bool server_streaming = false;
  bool deprecated = false;
  Idempotency idempotency = Idempotency::unknown;
  const MessageTable* input = nullptr;  // transcoding tables
  const MessageTable* output = nullptr;
  std::vector<HttpRule>
      rules;  // google.api.http, additional bindings included; one `POST path body "*"` where the rpc has none
  // Set where the rpc uses an option whose way of talking is not there yet: "(parley.aggregate) is not served yet".
  // Calls get unimplemented with this text.
  std::string not_served;
  StreamOptions stream;
  std::optional<QueueOptions> queue;          // calls are stored, and carried out later
  std::optional<SubscribeOptions> subscribe;  // called with events
  const google::protobuf::MethodDescriptor* descriptor =
      nullptr;  // for documents (OpenAPI, reflection); not for the hot path

  bool is_unary() const { return !client_streaming && !server_streaming; }
};

struct Service {
  std::string name;  // "shop.Orders"
  std::vector<Method> methods;
  const google::protobuf::ServiceDescriptor* descriptor = nullptr;
};

class Contract {
 public:
  ~Contract();
  Contract(const Contract&) = delete;
  Contract& operator=(const Contract&) = delete;

  const std::vector<Service>& services() const;
  // Made of the contract's event types (event_service.h); empty where there are none. `find` knows its rpcs, and
  // GraphQL shows them; documents that describe the user's contract leave it out.
  const std::vector<Service>& event_services() const;
  const Service* find_service(std::string_view name) const;
  // By gRPC path "/package.Service/Method"; null if there is none. One hash look-up.
  const Method* find(std::string_view path) const;
  std::size_t method_count() const;
  // REST: see router.h.
  const Router& router() const;
  const TableSet& tables() const;
  // Messages with (parley.event), by topic and then by name.
  const std::vector<EventType>& events() const;
  // By full name; null if it is no event.
  const EventType* find_event(std::string_view type) const;
  const google::protobuf::DescriptorPool& pool() const;
  // The user's own files, each after the files it imports; what is built in is not among them.
  const std::vector<const google::protobuf::FileDescriptor*>& files() const;

 private:
  friend class ContractBuilder;
  struct Rep;
  explicit Contract(std::unique_ptr<Rep> rep);
  std::unique_ptr<Rep> rep_;
};

using ContractPtr = std::shared_ptr<const Contract>;

}  // namespace parley::contract
