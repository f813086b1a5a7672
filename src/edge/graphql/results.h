// Results: what the calls of one operation brought, for the response to be written from.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "edge/graphql/batch.h"
#include "graphql/error.h"

namespace parley::edge::graphql {

struct RootResult {
  Bytes reply;
  std::optional<Error> error;
  std::optional<parley::graphql::GraphqlError> fault;  // of its arguments: no call was made
};

struct Results {
  std::vector<RootResult> roots;  // by position in Plan::roots
  std::deque<Batch> batches;      // by position in Plan::batches
  std::deque<std::string> kept;   // messages that were joined from several records
};

}  // namespace parley::edge::graphql
