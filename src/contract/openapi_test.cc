#include "contract/openapi.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "contract/contract_fixture.h"
#include "contract/openapi_path.h"
#include "contract/path_template.h"

namespace parley::contract {
namespace {

// The value at a JSON pointer (RFC 6901), as minified text; "" if there is none.
std::string at(const std::string& document, const std::string& pointer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(document).get(root) != simdjson::SUCCESS) return "not JSON";
  simdjson::dom::element found;
  if (root.at_pointer(pointer).get(found) != simdjson::SUCCESS) return "";
  return simdjson::minify(found);
}

std::string document_of(std::string_view body) {
  const Loaded loaded = load_text(body);
  EXPECT_NE(loaded.contract, nullptr) << all_text(loaded.diagnostics);
  return loaded.contract == nullptr ? "" : openapi_json(*loaded.contract);
}

struct Case {
  const char* name;
  const char* pointer;
  const char* want;
};

void check(const std::string& document, std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(at(document, c.pointer), c.want) << c.name;
}

TEST(OpenApi, OperationsOfTheShop) {
  const Loaded loaded = load({std::filesystem::path(PARLEY_SOURCE_DIR) / "examples/shop/contracts"});
  ASSERT_NE(loaded.contract, nullptr);
  const std::string document =
      openapi_json(*loaded.contract, {.title = "The shop", .server_url = "http://127.0.0.1:8080"});
  check(
      document,
      {
          {"version", "/openapi", R"("3.1.0")"},
          {"title", "/info/title", R"("The shop")"},
          {"server", "/servers/0/url", R"("http://127.0.0.1:8080")"},
          {"tag", "/paths/~1v1~1orders~1{order}/get/tags", R"(["Orders"])"},
          {"tag's words", "/tags/3",
           R"({"name":"Orders","description":"What customers have bought, from the basket to the doorstep."})"},
          {"id", "/paths/~1v1~1orders~1{order}/get/operationId", R"("Orders_GetOrder")"},
          {"summary", "/paths/~1v1~1orders~1{order}/get/summary", R"("Returns one order")"},
          {"rpc", "/paths/~1v1~1orders~1{order}/get/x-grpc-method", R"("/shop.Orders/GetOrder")"},
          {"id of an additional binding", "/paths/~1v1~1skus~1{sku}/get/operationId", R"("Catalog_GetProduct_2")"},
          {"a rpc without a binding", "/paths/~1shop.Support~1Chat/post/operationId", R"("Support_Chat")"},
          {"path parameter", "/paths/~1v1~1orders~1{order}/get/parameters/0",
           R"({"name":"order","in":"path","required":true,"description":"The order's resource name.\n\nA part of `name`: `orders/{order}`.","schema":{"type":"string"}})"},
          {"a taken oneof leaves no other member", "/paths/~1v1~1products~1{product}/get/parameters/1", ""},
          {"enums in a list in the query", "/paths/~1v1~1orders/get/parameters/2/schema",
           R"({"type":"array","items":{"$ref":"#/components/schemas/Order.State"}})"},
          {"nested name in the query", "/paths/~1v1~1orders/get/parameters/2/name", R"("filter.states")"},
          {"body", "/paths/~1v1~1orders/post/requestBody/content/application~1json/schema/$ref",
           R"("#/components/schemas/Order")"},
          {"a field beside the body is a query parameter", "/paths/~1v1~1orders/post/parameters/0/name",
           R"("requestId")"},
          {"a body of all but the path",
           "/paths/~1v1~1payments~1{payment}:capture/post/requestBody/content/application~1json/schema/properties/name",
           ""},
          {"and what is left",
           "/paths/~1v1~1payments~1{payment}:capture/post/requestBody/content/application~1json/schema/properties/"
           "amount/$ref",
           R"("#/components/schemas/Money")"},
          {"a PATCH requires nothing",
           "/paths/~1v1~1orders~1{order}/patch/requestBody/content/application~1json/schema/required", ""},
          {"a PUT does",
           "/paths/~1v1~1products~1{product}~1stock/put/requestBody/content/application~1json/schema/properties/onHand/"
           "type",
           R"("integer")"},
          {"response body", "/paths/~1v1~1categories/get/responses/200/content/application~1json/schema/type",
           R"("array")"},
          {"NDJSON", "/paths/~1v1~1orders~1{order}:watch/get/responses/200/content/application~1x-ndjson/x-itemSchema",
           R"({"$ref":"#/components/schemas/Order"})"},
          {"SSE", "/paths/~1v1~1orders~1{order}:watch/get/responses/200/content/text~1event-stream/x-itemSchema",
           R"({"$ref":"#/components/schemas/Order"})"},
          {"a stream of requests",
           "/paths/~1v1~1orders:import/post/requestBody/content/application~1x-ndjson/x-itemSchema",
           R"({"$ref":"#/components/schemas/Order"})"},
          {"a document", "/paths/~1v1~1orders~1{order}~1invoice/get/responses/200/content/*~1*/schema",
           R"({"type":"string","format":"binary"})"},
          {"an upload",
           "/paths/~1v1~1orders~1{order}~1attachments/post/requestBody/content/multipart~1form-data/schema/properties/"
           "file",
           R"({"type":"string","format":"binary"})"},
          {"problems", "/paths/~1v1~1orders/get/responses/default", R"({"$ref":"#/components/responses/Problem"})"},
          {"Empty", "/paths/~1v1~1products~1{product}/delete/responses/200/content/application~1json/schema",
           R"({"type":"object"})"},
          {"read only", "/components/schemas/Order/properties/createTime",
           R"({"type":"string","format":"date-time","description":"When the order was placed.","readOnly":true})"},
          {"required", "/components/schemas/Order/required", R"(["customer","items"])"},
          {"a oneof", "/components/schemas/Order/dependentSchemas",
           R"({"shipTo":{"properties":{"pickup":false}},"pickup":{"properties":{"shipTo":false}}})"},
          {"a map", "/components/schemas/Product/properties/countryPrices/additionalProperties",
           R"({"$ref":"#/components/schemas/Money"})"},
          {"a 64-bit integer", "/components/schemas/Money/properties/minorUnits/type", R"("string")"},
          {"an enum", "/components/schemas/Payment.State/enum",
           R"(["STATE_UNSPECIFIED","AUTHORIZED","CAPTURED","REFUNDED","DECLINED"])"},
      });
  EXPECT_EQ(document, openapi_json(*loaded.contract, {.title = "The shop", .server_url = "http://127.0.0.1:8080"}));
}

TEST(OpenApi, TypesOfFields) {
  const std::string document = document_of(
      "import \"google/protobuf/struct.proto\"; import \"google/protobuf/any.proto\"; import "
      "\"google/protobuf/wrappers.proto\";"
      "import \"google/protobuf/field_mask.proto\"; import \"google/protobuf/duration.proto\"; import "
      "\"google/api/httpbody.proto\";"
      "service S { rpc R(A) returns (A); }"
      "message A { bytes b = 1; uint32 u32 = 2; uint64 u64 = 3; sint64 s64 = 4; float f = 5; double d = 6; bool y = 7; "
      "repeated string l = 8;"
      "map<int32, bool> m = 9; google.protobuf.Struct st = 10; google.protobuf.Value v = 11; google.protobuf.Any any = "
      "12;"
      "google.protobuf.Int64Value w = 13; google.protobuf.FieldMask fm = 14; google.protobuf.Duration du = 15; "
      "google.api.HttpBody hb = 16;"
      "google.protobuf.NullValue nul = 17; A self = 18; string in = 19 [(google.api.field_behavior) = INPUT_ONLY]; "
      "string old = 20 [deprecated = true];"
      "string named = 21 [json_name = \"x-named\"]; }");
  const std::string p = "/components/schemas/A/properties/";
  const struct {
    const char* field;
    const char* want;
  } cases[] = {
      {"b", R"({"type":"string","contentEncoding":"base64"})"},
      {"u32", R"({"type":"integer","format":"int64","minimum":0,"maximum":4294967295})"},
      {"u64", R"({"type":"string","format":"uint64","pattern":"^[0-9]+$"})"},
      {"s64", R"({"type":"string","format":"int64","pattern":"^-?[0-9]+$"})"},
      {"f", R"({"type":"number","format":"float"})"},
      {"d", R"({"type":"number","format":"double"})"},
      {"y", R"({"type":"boolean"})"},
      {"l", R"({"type":"array","items":{"type":"string"}})"},
      {"m", R"({"type":"object","additionalProperties":{"type":"boolean"}})"},
      {"st", R"({"type":"object","additionalProperties":true})"},
      {"v", "{}"},
      {"w", R"({"type":["string","null"],"format":"int64","pattern":"^-?[0-9]+$"})"},
      {"du", R"({"type":"string","pattern":"^-?[0-9]+(\\.[0-9]{1,9})?s$"})"},
      {"hb", R"({"$ref":"#/components/schemas/HttpBody"})"},
      {"nul", R"({"type":"null"})"},
      {"self", R"({"$ref":"#/components/schemas/A"})"},
      {"in", R"({"type":"string","writeOnly":true})"},
      {"old", R"({"type":"string","deprecated":true})"},
      {"x-named", R"({"type":"string"})"},
  };
  for (const auto& c : cases) EXPECT_EQ(at(document, p + c.field), c.want) << c.field;
}

TEST(OpenApi, QueryParameters) {
  const std::string document = document_of(
      "import \"google/protobuf/struct.proto\"; service S { rpc R(A) returns (A) { option (google.api.http) = {get: "
      "\"/a/{id}\"}; } }"
      "message A { string id = 1; string must = 2 [(google.api.field_behavior) = REQUIRED]; map<string, int32> labels "
      "= 3; B b = 4; repeated B bs = 5;"
      "google.protobuf.Struct st = 6; string out = 7 [(google.api.field_behavior) = OUTPUT_ONLY]; A self = 8; }"
      "message B { google.protobuf.Timestamp t = 1; C c = 2; } message C { int64 deep_number = 1; }");
  const std::string p = "/paths/~1a~1{id}/get/parameters";
  EXPECT_EQ(
      at(document, p),
      R"([{"name":"id","in":"path","required":true,"schema":{"type":"string"}},)"
      R"({"name":"must","in":"query","required":true,"schema":{"type":"string"}},)"
      R"({"name":"labels","in":"query","style":"deepObject","explode":true,"schema":{"type":"object","additionalProperties":{"type":"integer","format":"int32"}}},)"
      R"({"name":"b.t","in":"query","schema":{"type":"string","format":"date-time"}},)"
      R"({"name":"b.c.deepNumber","in":"query","schema":{"type":"string","format":"int64","pattern":"^-?[0-9]+$"}},)"
      R"({"name":"st","in":"query","content":{"application/json":{"schema":{"type":"object","additionalProperties":true}}}}])");
}

TEST(OpenApi, TwoTypesAndTwoServicesOfOneName) {
  const Folder folder;
  folder.write("a.proto",
               "syntax = \"proto3\"; package a; message M { string x = 1; } service S { rpc R(M) returns (M); }");
  folder.write("b.proto",
               "syntax = \"proto3\"; package b; message M { string y = 1; } service S { rpc R(M) returns (M); }");
  const Loaded loaded = load({folder.path()});
  ASSERT_NE(loaded.contract, nullptr) << all_text(loaded.diagnostics);
  const std::string document = openapi_json(*loaded.contract);
  EXPECT_NE(at(document, "/components/schemas/M/properties/x"), "");
  EXPECT_NE(at(document, "/components/schemas/b.M/properties/y"), "");
  EXPECT_EQ(at(document, "/paths/~1b.S~1R/post/operationId"), R"("b.S_R")");
  EXPECT_EQ(at(document, "/info/title"), R"("a, b")");
}

TEST(OpenApi, LeavesOutWhatIsNotServed) {
  const std::string document = document_of(
      "service S { option (parley.aggregate) = {id: \"id\" state: \"A\"}; rpc Q(A) returns (A); rpc Fold(A) returns "
      "(A); } message A { string id = 1; }");
  EXPECT_EQ(at(document, "/paths"), "{}");
}

TEST(OpenApi, AQueuedCallIsAccepted) {
  const std::string document =
      document_of("service S { rpc Q(A) returns (parley.Receipt) { option (parley.queue) = {}; } } message A {}");
  const std::string responses = "/paths/~1shop.S~1Q/post/responses";
  EXPECT_EQ(at(document, responses + "/202/content/application~1json/schema/$ref"),
            R"("#/components/schemas/Receipt")");
  EXPECT_EQ(at(document, responses + "/202/headers/Location/schema/type"), R"("string")");
  EXPECT_EQ(at(document, responses + "/200"), "");
}

TEST(OpenApi, EveryVerbAndCustomOnes) {
  const std::string document = document_of(
      "service S { rpc Q(A) returns (A) { option (google.api.http) = {custom: {kind: \"*\" path: \"/any\"}}; }"
      "rpc P(A) returns (A) { option (google.api.http) = {custom: {kind: \"REPORT\" path: \"/r\"}}; } } message A {}");
  EXPECT_NE(at(document, "/paths/~1any/get"), "");
  EXPECT_EQ(at(document, "/paths/~1any/patch/operationId"), R"("S_Q_5")");
  EXPECT_EQ(at(document, "/paths/~1r"), "");  // OpenAPI 3.1 has no place for it
}

TEST(OpenApiPath, Converts) {
  const struct {
    const char* pattern;
    const char* want;
  } cases[] = {
      {"/v1/orders", "/v1/orders"},
      {"/v1/{name=orders/*}", "/v1/orders/{order}"},
      {"/v1/{name=orders/*}:cancel", "/v1/orders/{order}:cancel"},
      {"/v1/{name=shops/*/orders/*}", "/v1/shops/{shop}/orders/{order}"},
      {"/v1/{a=shops/*}/{b=shops/*}", "/v1/shops/{shop}/shops/{shop_2}"},
      {"/v1/skus/{sku}", "/v1/skus/{sku}"},
      {"/v1/skus/{item.sku_id}", "/v1/skus/{sku_id}"},
      {"/v1/{path=**}", "/v1/{path}"},
      {"/v1/files/{path=**}:raw", "/v1/files/{path}:raw"},
      {"/v1/*/x", "/v1/{v1}/x"},
      {"/*/x", "/{segment}/x"},
      {"/v1/caf%C3%A9/{x}", "/v1/caf%C3%A9/{x}"},
      {"/", "/"},
  };
  for (const auto& c : cases) {
    auto parsed = parse_path_template(c.pattern);
    ASSERT_TRUE(parsed.has_value()) << c.pattern;
    HttpRule rule{"GET", c.pattern, parsed->segments, parsed->colon_verb, parsed->variables, "", "", false};
    EXPECT_EQ(PathNames().convert(rule).path, c.want) << c.pattern;
  }
}

TEST(OpenApiPath, OnePathHasOneSetOfNames) {
  PathNames names;
  const auto rule = [](const char* pattern) {
    auto parsed = parse_path_template(pattern);
    return HttpRule{"GET", pattern, parsed->segments, parsed->colon_verb, parsed->variables, "", "", false};
  };
  EXPECT_EQ(names.convert(rule("/v1/{id}")).path, "/v1/{id}");
  EXPECT_EQ(names.convert(rule("/v1/{name}")).path, "/v1/{id}");
}

TEST(OpenApiPath, Singular) {
  const std::pair<const char*, const char*> cases[] = {
      {"orders", "order"},    {"categories", "category"}, {"boxes", "box"},   {"addresses", "address"},
      {"news", "news"},       {"status", "status"},       {"glass", "glass"}, {"v1", "v1"},
      {"branches", "branch"}, {"shelves", "shelf"}};
  for (const auto& [plural, want] : cases) EXPECT_EQ(singular(plural), want);
}

}  // namespace
}  // namespace parley::contract
