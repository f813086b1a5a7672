// ResponseWriter: `data` and `errors` of a response, written by a plan straight from the wire bytes of the replies.
//
// Nulls bubble as chapter Execution ("Handling Execution Errors") has it: what fails is cut back to the nearest place
// that may be null, and has one error.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "contract/wire_to_json.h"
#include "edge/graphql/plan.h"
#include "edge/graphql/results.h"
#include "edge/graphql/variables.h"
#include "edge/graphql/wire_scan.h"

namespace parley::edge::graphql {

struct WriteContext {
  const Plan& plan;
  const ql::Schema& schema;
  const Variables& variables;
  Results& results;
  std::size_t max_bytes;
};

class ResponseWriter {
 public:
  // `out` outlives the writer.
  ResponseWriter(const WriteContext& context, contract::OutBuffer& out);

  // Appends the value of `data`.
  void data();
  // What became of it, in the order of the response.
  const std::vector<ql::GraphqlError>& errors() const { return errors_; }
  // The response is above `max_bytes`: `data` is null then.
  bool is_too_large() const { return too_large_; }

 private:
  // A place in the response: a response name or a position in a list, and what it is in.
  struct Path {
    const Path* parent;
    const Output* output;  // null: a position
    std::uint32_t index;
  };
  enum class Wrote : std::uint8_t { value, null, failed };  // `failed` has its error

  bool object(const ObjectPlan& plan, std::string_view content, const Path* path);
  bool output(const Output& output, const Slot& slot, std::string_view content, const Path* parent);
  Wrote value(const Output& output, const Slot& slot, std::string_view content, const Path& path);
  Wrote absent(const Output& output, const Path& path);
  Wrote list(const Output& output, const Slot& slot, const Path& path);
  Wrote item(const Output& output, std::string_view content, const Path& path);
  // Completes one item of a list; false if the list fails.
  template <class Write>
  bool list_item(const Output& output, std::uint32_t index, const Path& path, const Write& write);

  Wrote wrapped(const Output& output, std::string_view content, const Path& path);
  Wrote scalar(const Output& output, std::string_view content, const Path& path);
  Wrote floating(const Output& output, std::string_view content, const Path& path);
  Wrote enumeration(const Output& output, std::string_view content, const Path& path);
  Wrote json(const contract::MessageTable* table, std::string_view content, const Path& path);
  Wrote one_of(const Output& output, const Slot& slot, std::string_view content, const Path& path);
  Wrote root(const Output& output, const Path& path);

  // Joins.
  Wrote join(const Output& output, const Slot& slot, const Path& path);
  Wrote joined_key(const Output& output, std::string_view key, const Path& path);
  Wrote joined_keys(const Output& output, const Slot& slot, const Path& path);
  Wrote joined_items(const Output& output, std::uint32_t key, const Path& path);
  Wrote joined_item(const Output& output, std::uint32_t key, const Path& path);

  Wrote fail(const Path& path, std::string message, std::string extensions = {});
  Wrote fail(const Path& path, const Error& error);
  Wrote malformed(const Path& path);
  bool null_where_none_may_be(const Output& output, const Path& path);
  ql::ResponsePath response_path(const Path& path) const;

  const WriteContext context_;
  const Plan& plan_;
  contract::OutBuffer& out_;
  contract::JsonOptions json_;
  contract::WireToJson scalars_;
  std::vector<Slot> slots_;  // of the objects being written, the innermost last
  std::vector<ql::GraphqlError> errors_;
  bool too_large_ = false;
};

}  // namespace parley::edge::graphql
