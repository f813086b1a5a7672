// Comments of a contract, as documents show them.
#pragma once

#include <string>

#include <google/protobuf/descriptor.h>

namespace parley::contract {

std::string clean_comment(const std::string& raw);

// The comment before the element, else the one after it on its line; without the space after `//`.
template <class Descriptor>
std::string comment_of(const Descriptor& element) {
  google::protobuf::SourceLocation where;
  if (!element.GetSourceLocation(&where)) return "";
  return clean_comment(where.leading_comments.empty() ? where.trailing_comments : where.leading_comments);
}

// Up to the first full stop that ends a sentence, without it.
std::string first_sentence(const std::string& comment);
// "ListOrders" is "List orders".
std::string spaced_name(const std::string& rpc);

}  // namespace parley::contract
