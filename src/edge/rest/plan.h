// RulePlan: what the edge works out once about a google.api.http binding: which part of the request message the body
// is, which part of the reply is sent, and whether these are JSON or raw bytes (google.api.HttpBody).
#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "contract/contract.h"
#include "contract/http_rule.h"
#include "contract/message_table.h"

namespace parley::edge::rest {

// The fields from a message down to one of its parts; empty: the message itself.
using FieldPath = std::vector<const contract::FieldTable*>;

// Dotted, JSON or proto names. Stops before a map's key. Empty if a name is not there.
FieldPath resolve(const contract::MessageTable& table, std::string_view dotted);

struct RulePlan {
  enum class Body { none, whole, field };

  const contract::Method* method;
  const contract::HttpRule* rule;
  Body body = Body::none;
  FieldPath body_path;       // where `body` is `field`
  bool raw_request = false;  // the body is a google.api.HttpBody
  std::vector<FieldPath> path_variables;
  FieldPath reply_path;
  bool raw_reply = false;
  bool reply_is_object = false;                       // `response_body` is a message whose JSON is an object
  const contract::FieldTable* update_mask = nullptr;  // of a PATCH: filled from the body's paths

  // The message the body's text is of; null where the field is no message.
  const contract::MessageTable* body_table() const;
};

RulePlan make_plan(const contract::Method& method, const contract::HttpRule& rule);

// The plans of one contract snapshot, made when first needed. Used on one shard.
class PlanSet {
 public:
  explicit PlanSet(contract::ContractPtr contract) : contract_(std::move(contract)) {}
  const contract::ContractPtr& contract() const { return contract_; }
  // Stays where it is as long as the set lives.
  const RulePlan& plan(const contract::Method& method, const contract::HttpRule& rule);

 private:
  contract::ContractPtr contract_;
  std::unordered_map<const contract::HttpRule*, RulePlan> plans_;
};

}  // namespace parley::edge::rest
