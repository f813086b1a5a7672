// `parley call … --via graphql`: an rpc asked as the GraphQL field it is.
#pragma once

#include <string>

#include "base/deadline.h"
#include "base/fields.h"
#include "cli/commands.h"
#include "contract/contract.h"
#include "mesh/cluster.h"

namespace parley::cli {

// The operation that asks `method`: its arguments as variables, as far as `request` (a JSON object by GraphQL's names)
// gives them, and every leaf a few levels down. Errors: invalid_argument: the rpc is no field, or takes no such
// argument.
struct GraphqlRequest {
  std::string field;     // whose value is the answer
  std::string body;      // {"query": …, "variables": …}
  bool streams = false;  // a subscription
};
Result<GraphqlRequest> graphql_request(const contract::ContractPtr& contract, const contract::Method& method,
                                       const std::string& request);

// Asks it at /graphql of `cluster`, and prints the field's value, of a stream a line each; errors go to standard error.
// Returns the exit code.
Task<int> graphql_call(mesh::Cluster& cluster, const GraphqlRequest& request, const Fields& metadata,
                       const CallOptions& options, Deadline deadline);

}  // namespace parley::cli
