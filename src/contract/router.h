// Router: finds the rpc an HTTP request addresses. A trie over path segments, built once a contract.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "contract/http_rule.h"

namespace parley::contract {

struct Method;
struct Service;

struct Binding {
  const PathVariable* variable;
  std::string value;  // percent-decoded as the template asks (edges.md, trap 9); valid UTF-8
};

struct Match {
  const Method* method;
  const HttpRule* rule;
  std::vector<Binding> bindings;
};

class Router {
 public:
  virtual ~Router() = default;
  // `verb` is the HTTP method, `path` the request target without its query, still percent-encoded.
  // Literal segments win over `*`, `*` over `**`; a rule that has the verb wins over one that has not. HEAD matches a
  // GET rule, every verb matches a rule for `*`. `*` takes one segment that is not empty, `**` any number. Errors:
  // not_found (reason "no_route"); unimplemented (reason "method_not_allowed", the message lists what the path allows);
  // invalid_argument (reason "malformed_path") for malformed percent-encoding, and for bytes that are not UTF-8.
  virtual Result<Match> match(std::string_view verb, std::string_view path) const = 0;
  // The verbs that `path` answers to, sorted, for Allow and CORS; empty if none.
  virtual std::vector<std::string> allowed(std::string_view path) const = 0;
};

// `services` outlives the router and does not move: matches point into it. Of two rules for one binding the first wins.
std::unique_ptr<Router> make_router(const std::vector<Service>& services);

}  // namespace parley::contract
