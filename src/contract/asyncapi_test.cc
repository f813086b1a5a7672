#include "contract/asyncapi.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "contract/load.h"

namespace parley::contract {
namespace {

constexpr const char* shop = R"(syntax = "proto3";
package shop;
import "parley/options.proto";
import "parley/receipt.proto";
import "google/protobuf/empty.proto";
// A mail.
message Mail { string to = 1; }
// An order was placed. It may be shipped.
message OrderPlaced { option (parley.event) = {topic: "orders" key: "order_id"}; string order_id = 1; }
message OrderShipped { option (parley.event) = {topic: "orders"}; string order_id = 1; }
service Mailer {
  // Sends a mail.
  rpc SendMail(Mail) returns (parley.Receipt) { option (parley.queue) = {key: "to"}; }
  rpc OnOrder(OrderPlaced) returns (google.protobuf.Empty) { option (parley.subscribe) = {group: "mailer"}; }
}
)";

// The value at a JSON pointer (RFC 6901), as text.
std::string at(const std::string& json, const char* pointer) {
  simdjson::dom::parser parser;
  simdjson::dom::element value;
  if (parser.parse(json).at_pointer(pointer).get(value) != simdjson::SUCCESS) return "(nothing)";
  return simdjson::minify(value);
}

TEST(AsyncApi, topics_and_queues_are_channels) {
  const auto loaded = load_texts({{"shop.proto", shop}});
  ASSERT_NE(loaded.contract, nullptr);
  const std::string json = asyncapi_json(*loaded.contract);
  const struct {
    const char* pointer;
    const char* value;
  } cases[] = {
      {"/asyncapi", R"("3.0.0")"},
      {"/info/title", R"("shop")"},
      {"/channels/orders/address", R"("/topics/orders")"},
      {"/channels/orders/messages/shop.OrderPlaced", R"({"$ref":"#/components/messages/shop.OrderPlaced"})"},
      {"/channels/shop.Mailer.SendMail/address", R"("/shop.Mailer/SendMail")"},
      {"/operations/publish.orders/action", R"("receive")"},
      {"/operations/read.orders/action", R"("send")"},
      {"/operations/shop.Mailer.SendMail/summary", R"("Sends a mail")"},
      {"/operations/shop.Mailer.OnOrder/messages", R"([{"$ref":"#/channels/orders/messages/shop.OrderPlaced"}])"},
      {"/components/messages/shop.OrderPlaced/payload/properties/data",
       R"({"$ref":"#/components/schemas/OrderPlaced"})"},
      {"/components/messages/shop.OrderPlaced/summary", R"("An order was placed")"},
      {"/components/messages/call.shop.Mailer.SendMail/payload", R"({"$ref":"#/components/schemas/Mail"})"},
      {"/components/schemas/Mail/properties/to/type", R"("string")"},
  };
  for (const auto& c : cases) EXPECT_EQ(at(json, c.pointer), c.value) << c.pointer;
}

TEST(AsyncApi, a_contract_without_messages_has_a_document_too) {
  const auto loaded =
      load_texts({{"a.proto", "syntax=\"proto3\"; package a; message M {} service S { rpc R(M) returns (M); }"}});
  EXPECT_EQ(at(asyncapi_json(*loaded.contract), "/channels"), "{}");
}

}  // namespace
}  // namespace parley::contract
