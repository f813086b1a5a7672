#include "contract/event_service.h"

#include <gtest/gtest.h>

#include "contract/contract.h"
#include "contract/load.h"

namespace parley::contract {
namespace {

constexpr const char* shop = R"(syntax = "proto3";
package shop;
import "parley/options.proto";
// An order was placed.
message OrderPlaced { option (parley.event) = {topic: "orders" key: "order_id"}; string order_id = 1; }
message Outer { message Shipped { option (parley.event) = {topic: "orders"}; string order_id = 1; } }
)";
constexpr const char* other = R"(syntax = "proto3";
package other.v1;
import "parley/options.proto";
message OrderPlaced { option (parley.event) = {topic: "elsewhere"}; string order_id = 1; }
)";

TEST(EventService, each_event_type_is_an_rpc_that_streams) {
  const auto loaded = load_texts({{"shop.proto", shop}});
  ASSERT_NE(loaded.contract, nullptr);
  EXPECT_TRUE(loaded.contract->services().empty());
  ASSERT_EQ(loaded.contract->event_services().size(), 1U);
  EXPECT_EQ(loaded.contract->method_count(), 2U);
  const Method* method = loaded.contract->find("/parley.events.Events/OrderPlaced");
  ASSERT_NE(method, nullptr);
  EXPECT_TRUE(method->server_streaming);
  EXPECT_EQ(method->output->full_name(), "parley.events.OrderPlacedEvent");
  EXPECT_EQ(method->output->by_number(EventField::event)->message->full_name(), "shop.OrderPlaced");
  EXPECT_EQ(method->input->by_number(EventsRequestField::after)->json_name, "after");
  EXPECT_NE(loaded.contract->find("/parley.events.Events/OuterShipped"), nullptr);
}

TEST(EventService, types_of_one_name_are_told_apart) {
  const auto loaded = load_texts({{"shop.proto", shop}, {"other.proto", other}});
  ASSERT_NE(loaded.contract, nullptr);
  for (const char* name : {"ShopOrderPlaced", "OtherV1OrderPlaced", "OuterShipped"})
    EXPECT_NE(loaded.contract->find("/parley.events.Events/" + std::string(name)), nullptr) << name;
}

TEST(EventService, a_contract_without_events_has_none) {
  const auto loaded = load_texts({{"a.proto", "syntax = \"proto3\"; message M {}"}});
  EXPECT_TRUE(loaded.contract->event_services().empty());
}

}  // namespace
}  // namespace parley::contract
