// Introspection: writes __schema and __type of a plan from the schema (chapter Introspection).
#pragma once

#include "contract/out_buffer.h"
#include "edge/graphql/plan.h"
#include "edge/graphql/variables.h"

namespace parley::edge::graphql {

struct IntrospectionContext {
  const Plan& plan;
  const ql::Schema& schema;
  const Variables& variables;
};

// Appends the value of a root field `__schema` or `__type`.
void introspect(const IntrospectionContext& context, const Output& output, contract::OutBuffer& out);

}  // namespace parley::edge::graphql
