// The sample orders: a table of what people bought, and the code that turns a row into an order.
#include <initializer_list>
#include <utility>

#include <google/protobuf/util/time_util.h>

#include "store.h"

namespace shop {
namespace {

struct Customer {
  const char* id;
  const char* name;
  const char* street;
  const char* city;
  const char* postal_code;
  const char* country;
};

const Customer ada = {"ada", "Ada Nilsen", "Storgata 12", "Oslo", "0184", "NO"};
const Customer bjorn = {"bjorn", "Bjørn Aas", "Strandkaien 4", "Bergen", "5013", "NO"};
const Customer chloe = {"chloe", "Chloé Laurent", "18 rue des Lilas", "Lyon", "69003", "FR"};
const Customer dmitri = {"dmitri", "Dmitri Orlov", "Kungsgatan 40", "Stockholm", "111 35", "SE"};
const Customer emeka = {"emeka", "Emeka Obi", "7 Marsh Lane", "Leeds", "LS9 8TY", "GB"};
const Customer fatima = {"fatima", "Fatima Rahal", "Torstraße 88", "Berlin", "10119", "DE"};

struct Product {
  const char* id;
  int64_t cents;
};

const Product lamp = {"products/oslo-lamp", 8900};
const Product mug = {"products/fjord-mug", 1450};
const Product kettle = {"products/bergen-kettle", 5490};
const Product throw_ = {"products/lofoten-throw", 12900};
const Product candle = {"products/tromso-candle", 1890};
const Product board = {"products/alta-board", 4200};
const Product stool = {"products/stavanger-stool", 11900};
const Product notebook = {"products/hamar-notebook", 1290};

struct Row {
  const Customer& customer;
  Order::State state;
  const char* placed;  // RFC 3339
  std::initializer_list<std::pair<const Product*, int>> items;
  const char* channel;
  const char* gift_message = nullptr;
  const char* store = nullptr;  // collected there instead of being sent
};

Order make(const Row& row) {
  Order order;
  order.set_customer(std::string("customers/") + row.customer.id);
  order.set_state(row.state);
  google::protobuf::util::TimeUtil::FromString(row.placed, order.mutable_create_time());
  (*order.mutable_labels())["channel"] = row.channel;
  if (row.gift_message) order.mutable_gift_message()->set_value(row.gift_message);
  for (auto [product, quantity] : row.items) {
    auto* item = order.add_items();
    item->set_product(product->id);
    item->set_quantity(quantity);
    item->mutable_unit_price()->set_currency("EUR");
    item->mutable_unit_price()->set_minor_units(product->cents);
  }
  if (row.store) {
    order.mutable_pickup()->set_store(row.store);
    *order.mutable_pickup()->mutable_keep_until() =
        order.create_time() + google::protobuf::util::TimeUtil::HoursToDuration(14 * 24);
  } else {
    auto* address = order.mutable_ship_to();
    address->set_recipient(row.customer.name);
    address->add_lines(row.customer.street);
    address->set_city(row.customer.city);
    address->set_postal_code(row.customer.postal_code);
    address->set_country(row.customer.country);
  }
  return order;
}

}  // namespace

std::vector<Order> sample_orders() {
  const Row rows[] = {
      {ada, Order::DELIVERED, "2026-03-02T09:14:07Z", {{&lamp, 1}, {&mug, 4}}, "web", "Welcome home!"},
      {bjorn, Order::DELIVERED, "2026-03-03T17:40:51.250Z", {{&kettle, 1}}, "store", nullptr, "stores/bergen"},
      {chloe, Order::CANCELLED, "2026-03-05T11:02:33Z", {{&throw_, 2}}, "web"},
      {dmitri, Order::SHIPPED, "2026-03-09T06:55:00Z", {{&candle, 6}, {&board, 1}}, "web"},
      {emeka, Order::SHIPPED, "2026-03-10T20:21:19Z", {{&stool, 2}}, "phone"},
      {ada, Order::PACKED, "2026-03-12T08:00:45Z", {{&notebook, 10}}, "web", ""},
      {fatima, Order::PACKED, "2026-03-12T13:37:12Z", {{&mug, 2}, {&kettle, 1}}, "web"},
      {bjorn, Order::PAID, "2026-03-14T15:10:08Z", {{&lamp, 2}}, "store", nullptr, "stores/bergen"},
      {chloe, Order::PAID, "2026-03-15T09:48:27.004Z", {{&throw_, 1}, {&candle, 3}}, "web", "Joyeux anniversaire"},
      {fatima, Order::PLACED, "2026-03-16T18:29:59Z", {{&board, 1}}, "web"},
      {emeka, Order::PLACED, "2026-03-17T07:07:07Z", {{&lamp, 1}, {&stool, 1}}, "phone"},
      {ada, Order::PLACED, "2026-03-17T21:15:30Z", {{&mug, 1}}, "web"},
  };
  std::vector<Order> orders;
  for (const auto& row : rows) orders.push_back(make(row));
  return orders;
}

}  // namespace shop
