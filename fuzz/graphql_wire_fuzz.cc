// Replies of a service, whatever bytes they are, become a GraphQL response that is JSON: the first byte chooses the
// operation, the rest is split into the reply and what its joins are answered with.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "contract/load.h"
#include "contract/out_buffer.h"
#include "edge/graphql/join_key.h"
#include "edge/graphql/json_value.h"
#include "edge/graphql/plan_cache.h"
#include "edge/graphql/response_writer.h"

namespace {

using namespace parley;  // NOLINT(google-build-using-namespace)
using namespace parley::edge::graphql;
namespace ql = parley::graphql;

constexpr std::string_view contract_text = R"(
syntax = "proto3"; package f;
import "google/protobuf/any.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto"; import "parley/options.proto";
service S {
  rpc GetNode(Key) returns (Node) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc BatchGet(Keys) returns (Nodes) { option idempotency_level = NO_SIDE_EFFECTS; }
}
message Key { int32 id = 1; }
message Keys { repeated int32 ids = 1; }
message Nodes { repeated Node nodes = 1; }
enum Mood { MOOD_UNSPECIFIED = 0; MOOD_GLAD = 1; }
message Node {
  int32 id = 1; string text = 2; repeated sint64 numbers = 3; Mood mood = 4; repeated Mood moods = 5; double number = 6;
  oneof what { string word = 7; Node node = 8; fixed32 fixed = 9; }
  map<string, Node> by_name = 10; google.protobuf.Timestamp at = 11; google.protobuf.Value value = 12;
  google.protobuf.StringValue wrapped = 13; bytes raw = 14; repeated Node nodes = 15; google.protobuf.Any any = 16;
  int32 other_id = 17 [(parley.link) = {field: "other" rpc: "f.S/BatchGet"}];
  repeated int32 other_ids = 300 [(parley.link) = {field: "others" rpc: "f.S/BatchGet"}];
}
)";

constexpr std::string_view fragments = R"(
fragment Leaves on Node { id text numbers mood moods number at value wrapped raw any }
)";

constexpr std::array<std::string_view, 3> operations = {
    "{node{...Leaves nodes{...Leaves byName{key value{...Leaves}}}}}",
    "{node{id what{__typename ...on NodeWhatWord{word} ...on Node{...Leaves} ...on NodeWhatFixed{fixed}} text}}",
    "{node{...Leaves other{id text other{id}} others{...Leaves}}}"};

struct Fixture {
  Fixture() {
    const auto loaded = contract::load_texts({{"f.proto", std::string(contract_text)}});
    if (loaded.contract == nullptr) std::abort();
    schema = ql::Schema::build(loaded.contract).schema;
    if (schema == nullptr) std::abort();
    for (std::size_t i = 0; i < operations.size(); ++i) {
      auto known = cache.document(
          schema, std::string(operations[i]) + (i == 1 ? "fragment Leaves on Node{id}" : std::string(fragments)));
      if (!known) std::abort();
      documents[i] = *known;
      plans[i] = *cache.plan(*known, *(*known)->document->operations()[0], variables);
    }
  }
  edge::GraphqlOptions options;
  PlanCache cache{options};
  Variables variables;
  ql::SchemaPtr schema;
  std::array<std::shared_ptr<KnownDocument>, operations.size()> documents;
  std::array<std::shared_ptr<const Plan>, operations.size()> plans;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Fixture fixture;
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Plan& plan = *fixture.plans[static_cast<unsigned char>(input[0]) % operations.size()];
  const std::size_t cut = std::min<std::size_t>(static_cast<unsigned char>(input[1]) + std::size_t{2}, size);
  Results results;
  results.roots.resize(plan.roots.size());
  results.roots[0].reply = Bytes::literal(input.substr(2, cut - 2));
  results.batches.resize(plan.batches.size());
  for (std::size_t i = 0; i < plan.batches.size(); ++i) {
    for (char id = 1; id < 4; ++id) {
      JoinKey key;
      if (key.read(*plan.batches[i].loader->match, {&id, 1})) results.batches[i].add(key);
    }
    (void)results.batches[i].accept(plan.batches[i], Bytes::literal(input.substr(cut)), 0);
  }
  std::string text;
  contract::OutBuffer out(text);
  ResponseWriter writer({plan, *fixture.schema, fixture.variables, results, std::size_t{1} << 20}, out);
  writer.data();
  out.finish();
  if (!writer.is_too_large() && !JsonDocument::parse(text, 1000)) std::abort();
  return 0;
}
