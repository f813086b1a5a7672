// Errors of calls as GraphQL errors.
#pragma once

#include <string>

#include "base/error.h"
#include "contract/contract.h"
#include "graphql/error.h"

namespace parley::edge::graphql {

// {"code":"NOT_FOUND","reason":"…","details":[…]}; `contract` gives the details' JSON where it has their types; may be
// null. Details and a reason that says no more than the code are left out.
std::string extensions_of(const Error& error, const contract::Contract* contract);

// Without locations and path.
parley::graphql::GraphqlError graphql_error(const Error& error, const contract::Contract* contract);

// A request error (specification, "Request Errors"): `{"errors":[…]}`.
std::string error_body(const std::vector<parley::graphql::GraphqlError>& errors);

// An error of the request whose only fault is the caller's: message, and {"code":"INVALID_ARGUMENT","reason":…}.
parley::graphql::GraphqlError request_error(std::string message, std::string_view reason);

}  // namespace parley::edge::graphql
