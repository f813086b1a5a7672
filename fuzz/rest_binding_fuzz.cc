// A request target, matched and bound. What is bound must be a well-formed message; what is refused must be the
// caller's fault.
#include <cstdlib>
#include <string>

#include "contract/contract_fixture.h"
#include "contract/router.h"
#include "contract/transcode.h"
#include "edge/rest/binder.h"

namespace {

using namespace parley;

constexpr std::string_view contract_text = R"(
service S {
  rpc Get(All) returns (All) {
    option (google.api.http) = {
      get: "/a/{text}"
      additional_bindings {get: "/b/{text=x/*/y/**}:verb"}
      additional_bindings {get: "/c/{number}/{inner.text}"}
      additional_bindings {post: "/d/{flag}" body: "inner"}
    };
  }
}
enum Kind { NONE = 0; SOME = 1; }
message All {
  string text = 1; int64 number = 2; bool flag = 3; All inner = 4; repeated string tags = 5; map<string, All> by_name = 6;
  map<int32, bool> by_number = 7; oneof pick { string left = 8; double right = 9; } google.protobuf.Timestamp at = 10; Kind kind = 11;
  bytes data = 12; repeated Kind kinds = 13;
}
)";

[[noreturn]] void die() { std::abort(); }

void bind(const contract::Contract& contract, std::string_view verb, std::string_view path, std::string_view query) {
  const auto match = contract.router().match(verb, path);
  if (!match) return;
  const edge::rest::RulePlan plan = edge::rest::make_plan(*match->method, *match->rule);
  edge::rest::Binder binder(plan);
  auto bound = binder.bind_query(query);
  if (bound) bound = binder.bind_path(match->bindings);
  if (!bound) {
    if (bound.error().blame() != Blame::caller) die();
    return;
  }
  if (!contract::validate_wire(*plan.method->input, binder.wire())) die();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const contract::ContractPtr contract = contract::load_text(contract_text).contract;
  if (!contract) die();
  const std::string_view target(reinterpret_cast<const char*>(data), size);
  const std::size_t mark = std::min(target.find('?'), target.size());
  const std::string_view query = target.substr(std::min(mark + 1, target.size()));
  bind(*contract, "GET", target.substr(0, mark), query);
  bind(*contract, "POST", target.substr(0, mark), query);
  return 0;
}
