// Execution: one operation from its plan to its response (chapter Execution). Level by level: first the root fields (a
// query's at once, a mutation's one after another), then all joins below them, then the joins below those; so batches
// form without timers. The response is written at the end, in one go.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "edge/graphql/plan.h"
#include "edge/graphql/results.h"
#include "edge/graphql/upstream.h"
#include "edge/graphql/variables.h"
#include "edge/graphql/wire_scan.h"
#include "loop/task.h"

namespace parley::edge::graphql {

class Execution {
 public:
  // Everything given outlives the execution. `handlers`: by position in plan.methods.
  struct Setup {
    const Plan& plan;
    const ql::Schema& schema;
    const Variables& variables;
    std::span<const HandlerPtr> handlers;
    Upstream& upstream;
    std::size_t max_arguments;  // bytes of JSON, of one call
    std::size_t max_bytes;      // of the response
  };
  explicit Execution(const Setup& setup);
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  // Makes the calls of a query or a mutation. Returns when none is left.
  Task<void> run();
  // The same for one event of a subscription: the message that its root field's stream brought.
  Task<void> run_event(Bytes message);

  // Appends the response: `{"data":…}`, with `errors` in front of it where there are any.
  void write(std::string& out);
  // What the root fields' replies said beside their messages; of a name that several say, the first.
  const Fields& headers() const { return headers_; }

 private:
  Task<void> run_query();
  Task<void> run_mutation();
  Task<void> run_joins(std::uint32_t root);
  Task<void> run_level(std::uint32_t level, std::uint32_t root);
  bool open_root(std::uint32_t root, Fetch& fetch);
  void close_root(std::uint32_t root, Fetch fetch);

  // Which keys a level's joins ask for.
  void collect(std::uint32_t level, std::uint32_t root);
  void collect_root(std::uint32_t root);
  void collect(const ObjectPlan& plan, std::string_view content);
  void collect(const Output& output, const Slot& slot, std::string_view content);
  void collect_list(const Output& output, const Slot& slot);
  void collect_keys(const Output& output, const Slot& slot);
  void add_key(const Output& output, std::string_view value);

  struct JoinState {
    std::vector<std::uint32_t> keys;  // positions in its batch, each once; only where joins follow below
    std::vector<bool> seen;
  };

  Setup setup_;
  const Plan& plan_;
  Results results_;
  std::vector<JoinState> joins_;
  std::vector<Slot> slots_;
  Fields headers_;
};

}  // namespace parley::edge::graphql
