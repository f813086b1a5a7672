// Which name each type and each root field gets: the shortest that nothing else wants.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.h>

namespace parley::graphql {

// Something to be named. `choices`, the best first.
struct Naming {
  std::vector<std::string> choices;
  std::string chosen;
  std::string what;  // "message shop.Order", for errors
};

// Chooses for all at once: of those that want one name all move on to their next choice, so that the result does not
// depend on their order. `taken`: names that are not to be had. Returns the clashes that are left, as pairs.
std::vector<std::pair<const Naming*, const Naming*>> choose_names(std::vector<Naming*>& all,
                                                                  const std::vector<std::string_view>& taken);

// "Order.Item" of package shop: "OrderItem", then "ShopOrderItem", then "shop_Order_Item"; each with `suffix` after it.
std::vector<std::string> type_names(const google::protobuf::Descriptor& message, std::string_view suffix);
std::vector<std::string> type_names(const google::protobuf::EnumDescriptor& enumeration);
// "OrderDestination" of the oneof `destination` in Order.
std::vector<std::string> type_names(const google::protobuf::OneofDescriptor& oneof, std::string_view suffix);
// "OrderDestinationSku" of its member `sku`.
std::vector<std::string> type_names(const google::protobuf::FieldDescriptor& member);
// "order", "getOrder", "ordersGetOrder", "shopOrdersGetOrder" of shop.Orders/GetOrder.
std::vector<std::string> root_names(const google::protobuf::MethodDescriptor& method);

// "ship_to" is "ShipTo".
std::string upper_camel(std::string_view name);
// Letters, digits and underscores, no digit first, and not two underscores.
bool is_name(std::string_view text);

}  // namespace parley::graphql
