#include "store.h"

#include <algorithm>
#include <charconv>
#include <ranges>
#include <set>

#include <google/protobuf/util/time_util.h>

#include "order.h"
#include "status.h"

namespace shop {
namespace {

using google::protobuf::util::TimeUtil;

constexpr std::string_view prefix = "orders/";

// The number in `orders/12`; 0, which no order has, when there is none.
uint64_t number_of(std::string_view name) {
  if (!name.starts_with(prefix)) return 0;
  name.remove_prefix(prefix.size());
  uint64_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : 0;
}

bool matches(const Order& order, const ListOrdersRequest::Filter& filter) {
  if (!filter.states().empty() && std::ranges::find(filter.states(), order.state()) == filter.states().end())
    return false;
  if (!filter.customer().empty() && filter.customer() != order.customer()) return false;
  return !filter.has_placed_after() || order.create_time() >= filter.placed_after();
}

// Once the carrier has the parcel, nothing can be changed any more.
grpc::Status check_open(const Order& order) {
  if (order.state() < Order::SHIPPED) return grpc::Status::OK;
  return failed_precondition("STATE", order.name(),
                             "is " + Order::State_Name(order.state()) + " and can no longer be changed");
}

}  // namespace

Store::Store(std::chrono::milliseconds pace) : pace_(pace) {
  for (auto& order : sample_orders()) insert(std::move(order));
  courier_ = std::jthread([this](const std::stop_token& stop) { run_courier(stop); });
}

grpc::Status Store::get(const std::string& name, Order& out) const {
  std::lock_guard hold(lock_);
  auto row = rows_.find(number_of(name));
  if (row == rows_.end()) return not_found("order", name);
  out = row->second.order;
  return grpc::Status::OK;
}

grpc::Status Store::list(const ListOrdersRequest& request, ListOrdersResponse& out) const {
  if (request.page_size() < 0) return invalid({{"page_size", "must not be negative"}});
  const int size = request.page_size() == 0 ? 20 : std::min(request.page_size(), 100);
  // A token names the last order of its page: orders that come in between neither shift nor repeat what follows.
  const uint64_t before = request.page_token().empty() ? UINT64_MAX : number_of(request.page_token());
  if (before == 0) return invalid({{"page_token", "is not one that this service gave"}});

  std::lock_guard hold(lock_);
  for (const auto& [number, row] : rows_ | std::views::reverse) {
    if (!matches(row.order, request.filter())) continue;
    out.set_total_size(out.total_size() + 1);
    if (number >= before) continue;
    if (out.orders_size() < size)
      *out.add_orders() = row.order;
    else
      out.set_next_page_token(out.orders().rbegin()->name());
  }
  return grpc::Status::OK;
}

grpc::Status Store::create(const Order& order, const std::string& request_id, Order& out) {
  if (auto violations = check_new(order); !violations.empty()) return invalid(violations);
  std::lock_guard hold(lock_);
  if (auto earlier = requests_.find(request_id); earlier != requests_.end()) {
    out = find(earlier->second)->order;
    return grpc::Status::OK;
  }
  Order placed = order;
  placed.set_state(Order::PLACED);
  *placed.mutable_create_time() = TimeUtil::GetCurrentTime();
  out = insert(std::move(placed));
  if (!request_id.empty()) requests_[request_id] = out.name();
  return grpc::Status::OK;
}

grpc::Status Store::update(const UpdateOrderRequest& request, Order& out) {
  if (auto violations = check_mask(request.update_mask()); !violations.empty()) return invalid(violations);
  std::lock_guard hold(lock_);
  auto* row = find(request.order().name());
  if (!row) return not_found("order", request.order().name());
  if (auto open = check_open(row->order); !open.ok()) return open;
  apply(request.order(), request.update_mask(), row->order);
  changed(row->order);
  out = row->order;
  return grpc::Status::OK;
}

grpc::Status Store::cancel(const CancelOrderRequest& request, Order& out) {
  std::lock_guard hold(lock_);
  auto* row = find(request.name());
  if (!row) return not_found("order", request.name());
  if (row->order.state() != Order::CANCELLED) {
    if (auto open = check_open(row->order); !open.ok()) return open;
    row->order.set_state(Order::CANCELLED);
    --totals_.open;
    if (!request.reason().empty()) row->order.set_note("Cancelled: " + request.reason());
    changed(row->order);
  }
  out = row->order;
  return grpc::Status::OK;
}

grpc::Status Store::attach(const std::string& order, Attachment& attachment) {
  std::lock_guard hold(lock_);
  auto* row = find(order);
  if (!row) return not_found("order", order);
  attachment.set_name(order + "/attachments/" + std::to_string(++row->attachments));
  return grpc::Status::OK;
}

Totals Store::totals() const {
  std::lock_guard hold(lock_);
  return totals_;
}

grpc::Status Store::watch(const std::string& name, Watcher watcher, uint64_t& id) {
  std::lock_guard hold(lock_);
  auto* row = find(name);
  if (!row) return not_found("order", name);
  watcher(row->order);
  id = ++last_watch_;
  watches_[id] = {name, std::move(watcher)};
  return grpc::Status::OK;
}

void Store::unwatch(uint64_t id) {
  std::lock_guard hold(lock_);
  watches_.erase(id);
}

void Store::run_courier(const std::stop_token& stop) {
  std::unique_lock hold(lock_);
  while (!closing_.wait_for(hold, stop, pace_, [&] { return stop.stop_requested(); })) deliver_watched_orders();
}

void Store::deliver_watched_orders() {
  std::set<std::string> names;  // an order with two watchers moves no faster
  for (const auto& [id, watch] : watches_) names.insert(watch.order);
  for (const auto& name : names) {
    auto& order = find(name)->order;
    if (auto state = next(order.state())) {
      order.set_state(*state);
      if (is_final(*state)) --totals_.open;
      changed(order);
    }
  }
}

void Store::changed(Order& order) {
  *order.mutable_update_time() = TimeUtil::GetCurrentTime();
  for (const auto& [id, watch] : watches_)
    if (watch.order == order.name()) watch.watcher(order);
}

Store::Row* Store::find(const std::string& name) {
  auto row = rows_.find(number_of(name));
  return row == rows_.end() ? nullptr : &row->second;
}

Order& Store::insert(Order order) {
  const uint64_t number = rows_.empty() ? 1 : rows_.rbegin()->first + 1;
  order.set_name(std::string(prefix) + std::to_string(number));
  *order.mutable_total() = total_of(order);
  *order.mutable_update_time() = order.create_time();
  ++totals_.orders;
  if (!is_final(order.state())) ++totals_.open;
  if (order.total().currency() == "EUR") totals_.euro_cents += order.total().minor_units();
  return (rows_[number].order = std::move(order), rows_[number].order);
}

}  // namespace shop
