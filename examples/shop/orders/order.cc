#include "order.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include <google/protobuf/util/field_mask_util.h>

namespace shop {
namespace {

using google::protobuf::util::FieldMaskUtil;

constexpr int max_items = 100;
constexpr int max_quantity = 10'000;
constexpr int64_t max_price = 1'000'000'000;  // with max_items and max_quantity, no sum overflows 64 bits

// What the customer may change after the order is placed.
constexpr std::array<std::string_view, 5> changeable = {"note", "labels", "gift_message", "ship_to", "pickup"};

bool is_changeable(std::string_view path) {
  return std::ranges::any_of(changeable, [&](std::string_view field) {
    return path == field || (path.starts_with(field) && path[field.size()] == '.');
  });
}

void check_item(const Order& order, int index, std::vector<Violation>& out) {
  const auto& item = order.items(index);
  const std::string at = "items[" + std::to_string(index) + "].";
  const auto& price = item.unit_price();
  if (!item.product().starts_with("products/"))
    out.push_back({at + "product", "must be a name such as products/oslo-lamp"});
  if (item.quantity() < 1 || item.quantity() > max_quantity)
    out.push_back({at + "quantity", "must be from 1 to " + std::to_string(max_quantity)});
  if (price.currency().size() != 3)
    out.push_back({at + "unit_price.currency", "must be a code of three letters, such as EUR"});
  if (price.minor_units() < 0 || price.minor_units() > max_price)
    out.push_back({at + "unit_price.minor_units", "must be from 0 to " + std::to_string(max_price)});
  if (price.currency() != order.items(0).unit_price().currency())
    out.push_back({at + "unit_price.currency", "an order has one currency"});
}

google::protobuf::FieldMask every_changeable_field() {
  google::protobuf::FieldMask mask;
  for (auto field : changeable) mask.add_paths(std::string(field));
  return mask;
}

google::protobuf::FieldMask fields_that_are_set(const Order& order) {
  google::protobuf::FieldMask mask;
  if (!order.note().empty()) mask.add_paths("note");
  if (!order.labels().empty()) mask.add_paths("labels");
  if (order.has_gift_message()) mask.add_paths("gift_message");
  if (order.has_ship_to()) mask.add_paths("ship_to");
  if (order.has_pickup()) mask.add_paths("pickup");
  return mask;
}

}  // namespace

std::vector<Violation> check_new(const Order& order) {
  std::vector<Violation> out;
  if (!order.customer().starts_with("customers/")) out.push_back({"customer", "must be a name such as customers/ada"});
  if (order.items().empty()) out.push_back({"items", "an order has at least one item"});
  if (order.items_size() > max_items)
    return {{"items", "an order has at most " + std::to_string(max_items) + " items"}};
  for (int i = 0; i < order.items_size(); ++i) check_item(order, i, out);
  return out;
}

std::vector<Violation> check_mask(const google::protobuf::FieldMask& mask) {
  std::vector<Violation> out;
  for (const auto& path : mask.paths()) {
    if (path == "*" || path == "name") continue;  // the name says which order it is, and is never changed
    if (!FieldMaskUtil::IsValidPath<Order>(path))
      out.push_back({"update_mask", "an order has no field \"" + path + "\""});
    else if (!is_changeable(path))
      out.push_back({"update_mask", "\"" + path + "\" cannot be changed"});
  }
  return out;
}

void apply(const Order& changes, const google::protobuf::FieldMask& mask, Order& order) {
  google::protobuf::FieldMask fields;
  for (const auto& path : mask.paths()) {
    if (path == "*")
      fields.MergeFrom(every_changeable_field());
    else if (path != "name")
      fields.add_paths(path);
  }
  if (mask.paths().empty()) fields = fields_that_are_set(changes);
  FieldMaskUtil::MergeOptions replace;
  replace.set_replace_message_fields(true);
  replace.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(changes, fields, replace, &order);
}

Money total_of(const Order& order) {
  Money sum;
  for (const auto& item : order.items()) {
    sum.set_currency(item.unit_price().currency());
    sum.set_minor_units(sum.minor_units() + item.unit_price().minor_units() * item.quantity());
  }
  return sum;
}

bool is_final(Order::State state) { return state == Order::DELIVERED || state == Order::CANCELLED; }

std::optional<Order::State> next(Order::State state) {
  if (is_final(state)) return std::nullopt;
  return static_cast<Order::State>(state + 1);  // the contract lists them in the order in which they happen
}

}  // namespace shop
