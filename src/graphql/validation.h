// Validation of a parsed request (September 2025, chapter Validation): every rule, in graphql-js 16's order and words.
#pragma once

#include <vector>

#include "graphql/document.h"
#include "graphql/error.h"
#include "graphql/schema.h"

namespace parley::graphql {

struct ValidationLimits {
  std::size_t max_errors = 100;  // graphql-js's, with its message at the end
  // Comparisons of fields for Field Selection Merging, and steps through fragments: work that can grow faster than the
  // document. One that needs more is refused ("Validation aborted.").
  std::size_t max_work = 500'000;
};

// All errors, in the order of graphql-js's validate(schema, document, specifiedRules); empty: the document is valid.
// Also resolves the names of `document` (see there): a planner may use it only if there is no error.
std::vector<GraphqlError> validate(const Schema& schema, Document& document, const ValidationLimits& limits = {});

}  // namespace parley::graphql
