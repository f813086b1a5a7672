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

struct Binding {
  const PathVariable* variable;
  std::string value;  // percent-decoded as the template asks (edges.md, trap 9)
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
  // Literal segments win over `*`, `*` over `**`. HEAD matches a GET rule.
  // Errors: not_found (reason "no_route"); unimplemented (reason "method_not_allowed", the message lists what the path allows);
  // invalid_argument for malformed percent-encoding.
  virtual Result<Match> match(std::string_view verb, std::string_view path) const = 0;
  // The verbs that `path` answers to, for Allow and CORS; empty if none.
  virtual std::vector<std::string> allowed(std::string_view path) const = 0;
};

}  // namespace parley::contract
