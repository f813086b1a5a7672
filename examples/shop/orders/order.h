// What an order may look like, and what may happen to it.
#pragma once

#include <optional>
#include <vector>

#include <google/protobuf/field_mask.pb.h>

#include "shop/orders.pb.h"
#include "status.h"

namespace shop {

// What is wrong with an order that somebody wants to place; empty when nothing is.
std::vector<Violation> check_new(const Order& order);

// What is wrong with a mask of changes; empty when nothing is. Only what the customer may still decide can be changed.
std::vector<Violation> check_mask(const google::protobuf::FieldMask& mask);

// Copies the fields that `mask` names from `changes` to `order`. An empty mask means each field that is set, `*` every
// field that may be changed.
void apply(const Order& changes, const google::protobuf::FieldMask& mask, Order& order);

// The sum over all items, which have one currency.
Money total_of(const Order& order);

// Whether nothing will ever happen to an order in this state.
bool is_final(Order::State state);

// The state after this one when all goes well; none after a final state.
std::optional<Order::State> next(Order::State state);

}  // namespace shop
