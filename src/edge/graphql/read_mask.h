// ReadMask: what an operation selects, as the FieldMask of a request that has one (AIP-157). Paths start at the
// resource: at the items where the response is a page or a batch of one repeated message, else at the response. They
// end at repeated fields and unions, as FieldMask's may not go through them.
#pragma once

#include <string>
#include <vector>

#include "edge/graphql/plan.h"

namespace parley::edge::graphql {

class ReadMask {
 public:
  explicit ReadMask(const Plan& plan) : plan_(plan) {}

  // The records that a request's mask field gets; "" where the request has no mask, or everything would be asked for.
  std::string of_root(const RootPlan& root) const;
  std::string of_batch(std::uint32_t batch) const;

 private:
  using Paths = std::vector<std::string>;
  void add(const ObjectPlan& object, const std::string& prefix, Paths& paths) const;
  void add(const Output& output, const std::string& prefix, Paths& paths) const;
  // The plan of the items, where `object` is that of a page; null where it is not.
  const ObjectPlan* items_of(const ObjectPlan& object) const;

  const Plan& plan_;
};

// The only repeated message of a response whose other fields are scalars; null if it is of another shape.
const contract::FieldTable* only_items(const contract::MessageTable& response);

}  // namespace parley::edge::graphql
