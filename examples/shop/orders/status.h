// Errors as gRPC means them: a canonical code, a sentence for a person and details for a program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/support/status.h>

namespace shop {

// One field of a request that is wrong, by its path (`items[0].quantity`), and why.
struct Violation {
  std::string field;
  std::string reason;
};

// NOT_FOUND with a google.rpc.ResourceInfo. `type` is a word such as "order".
grpc::Status not_found(std::string_view type, std::string_view name);

// INVALID_ARGUMENT with a google.rpc.BadRequest that lists every violation; there is at least one.
grpc::Status invalid(const std::vector<Violation>& violations);

// FAILED_PRECONDITION with a google.rpc.PreconditionFailure. `type` is a constant such as "STATE".
grpc::Status failed_precondition(std::string_view type, std::string_view subject, std::string_view reason);

}  // namespace shop
