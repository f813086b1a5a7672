// Binder: turns what a request says outside its body, path variables, query parameters and form fields, into records of
// the request message. They are appended after the body, so they win over it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/router.h"
#include "edge/rest/plan.h"

namespace parley::edge::rest {

class Binder {
 public:
  explicit Binder(const RulePlan& plan) : plan_(plan) {}

  // Errors, all invalid_argument with the name and, for a name that is not there, the nearest that is:
  // a parameter no field answers to, a value its field cannot have, a field that is not repeated but given twice, a
  // second member of a oneof, a field that the path or the body gives.
  Result<void> bind_path(std::span<const contract::Binding> bindings);
  Result<void> bind_query(std::string_view query);
  // `where`: "query parameter" or "form field", for messages.
  Result<void> bind(std::string_view name, std::string_view value, std::string_view where);

  // The records so far.
  const std::string& wire() const { return wire_; }
  // True if the field, or a part of it, was bound.
  bool has_bound(const contract::FieldTable& top) const;

 private:
  Error unknown(std::string_view name, std::string_view where) const;
  Result<void> claim(const FieldPath& path, std::string_view name, std::string_view where);

  const RulePlan& plan_;
  std::string wire_;
  std::vector<FieldPath> single_;  // what was bound and is not repeated
};

}  // namespace parley::edge::rest
