// Dotted paths of fields ("order.customer.id"), as google.api.http bodies, path variables and query parameters name
// them.
#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "contract/message_table.h"
#include "contract/out_buffer.h"

namespace parley::contract {

// The first name of a path, and what follows it ("", ".rest" or "[key]"). An extension's name stands in brackets.
std::pair<std::string_view, std::string_view> split_path(std::string_view path);

// The fields along a path of JSON or proto names; all but the last are singular messages. At least one.
// Errors: invalid_argument, naming what is not there.
Result<std::vector<const FieldTable*>> resolve_path(const MessageTable& table, std::string_view path);

// "shop.Order has no field "prize": did you mean "price"?"
std::string no_such_field(const MessageTable& table, std::string_view field_name);

// Opens a sub-message for each field of `path`, inside one another; close() closes them.
class SubMessages {
 public:
  SubMessages(OutBuffer& out, std::span<const FieldTable* const> path);
  void close();

 private:
  OutBuffer& out_;
  std::span<const FieldTable* const> path_;
  std::vector<std::size_t> contents_;
};

}  // namespace parley::contract
