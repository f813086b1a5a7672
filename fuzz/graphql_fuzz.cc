// Whatever text is parsed and validated: no crash, in bounded time, with errors that have places in it; and a document
// that is valid says the same when it is asked again.
#include <cstdlib>
#include <string_view>

#include "contract/load.h"
#include "graphql/validation.h"

namespace {

using namespace parley;

// Unions, boxes, @oneOf, maps, recursion, a stream.
constexpr const char* contract_text = R"(syntax = "proto3"; package f; import "google/protobuf/timestamp.proto";
service S {
  rpc GetA(A) returns (A) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Set(A) returns (A);
  rpc Watch(A) returns (stream A);
}
message A {
  string name = 1; int64 n = 2; E e = 3; repeated A as = 4; map<string, A> m = 5; A a = 6;
  oneof o { A x = 7; B y = 8; string z = 9; }
  google.protobuf.Timestamp t = 10; double d = 11; bytes b = 12;
}
message B { string name = 1; int32 n = 2; }
enum E { E_UNSPECIFIED = 0; E_ONE = 1; E_TWO = 2; }
)";

const graphql::Schema& schema() {
  static const graphql::SchemaPtr made = [] {
    const auto loaded = contract::load_texts({{"f.proto", contract_text}});
    return graphql::Schema::build(loaded.contract).schema;
  }();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  auto document = graphql::Document::parse(source);
  if (!document) return document.error().message.empty() ? (std::abort(), 1) : 0;
  const auto errors = graphql::validate(schema(), **document);
  for (const auto& error : errors) {
    for (const auto& at : error.locations) {
      if (at.line == 0 || at.column == 0) std::abort();
    }
  }
  if (graphql::validate(schema(), **document).size() != errors.size()) std::abort();
  return 0;
}
