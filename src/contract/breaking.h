// What a new version of a contract takes from those who use the old one: on the wire, in JSON, over HTTP and in
// GraphQL.
#pragma once

#include <vector>

#include "contract/contract.h"
#include "contract/load.h"

namespace parley::contract {

// Each message begins with what breaks: "wire: ", "JSON: ", "HTTP: " or "GraphQL: ". Errors break a client or stored
// bytes; warnings can, depending on how they are used. Places are in the new contract: at what holds the thing that is
// gone or has changed. Adding fields, values, messages, rpcs and bindings breaks nobody, unless a new field is
// required.
std::vector<Diagnostic> breaking_changes(const Contract& old, const Contract& now);

}  // namespace parley::contract
