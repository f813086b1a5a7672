// The orders, in memory. Every function may be called on any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <grpcpp/support/status.h>

#include "shop/orders.pb.h"

namespace shop {

// What was ordered since the shop opened.
struct Totals {
  int64_t orders = 0;
  int64_t open = 0;  // of those: still on their way
  int64_t euro_cents = 0;
};

class Store {
 public:
  // Is told an order as it is now, under the store's lock: it must not call the store, and must not wait.
  using Watcher = std::function<void(const Order&)>;

  // Holds the sample orders. While somebody watches an order, the courier moves it on by one state every `pace`.
  explicit Store(std::chrono::milliseconds pace);

  // Errors: NOT_FOUND.
  grpc::Status get(const std::string& name, Order& out) const;

  // Errors: INVALID_ARGUMENT (page size, page token).
  grpc::Status list(const ListOrdersRequest& request, ListOrdersResponse& out) const;

  // `request_id` may be empty. Errors: INVALID_ARGUMENT.
  grpc::Status create(const Order& order, const std::string& request_id, Order& out);

  // Errors: INVALID_ARGUMENT (mask), NOT_FOUND, FAILED_PRECONDITION (the parcel is on its way).
  grpc::Status update(const UpdateOrderRequest& request, Order& out);

  // Cancelling twice is fine. Errors: NOT_FOUND, FAILED_PRECONDITION (the parcel is on its way).
  grpc::Status cancel(const CancelOrderRequest& request, Order& out);

  // Keeps what is known of a file, not the file. Errors: NOT_FOUND.
  grpc::Status attach(const std::string& order, Attachment& attachment);

  Totals totals() const;

  // Calls `watcher` with the order at once and after each change, until unwatch(). Errors: NOT_FOUND.
  grpc::Status watch(const std::string& name, Watcher watcher, uint64_t& id);

  // The watcher is not running when this returns, and never will again. An unknown id is ignored.
  void unwatch(uint64_t id);

 private:
  struct Row {
    Order order;
    int attachments = 0;
  };
  struct Watch {
    std::string order;
    Watcher watcher;
  };

  void run_courier(const std::stop_token& stop);
  void deliver_watched_orders();
  void changed(Order& order);
  Row* find(const std::string& name);
  Order& insert(Order order);

  const std::chrono::milliseconds pace_;
  mutable std::mutex lock_;
  std::condition_variable_any closing_;
  std::map<uint64_t, Row> rows_;  // by number: the newest is the last
  Totals totals_;
  std::map<std::string, std::string> requests_;  // request id to the name of the order that it placed
  std::map<uint64_t, Watch> watches_;
  uint64_t last_watch_ = 0;
  std::jthread courier_;  // last: it uses all of the above
};

// The orders that a new shop starts with, the oldest first, without names.
std::vector<Order> sample_orders();

}  // namespace shop
