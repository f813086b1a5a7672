#include <map>

#include "contract/lint.h"
#include "contract/path_template.h"

namespace parley::contract {

void lint_http(const LintInput& in, Reporter& report) {
  std::map<std::string, const Method*> seen;
  for (const Service& service : in.services) {
    for (const Method& method : service.methods) {
      for (const HttpRule& rule : method.rules) {
        const auto [at, fresh] = seen.emplace(binding_key(rule), &method);
        if (fresh) continue;
        const std::string other = at->second->service + "/" + at->second->name;
        const std::string whose = at->second == &method ? "twice by this rpc" : "also by " + other;
        report.error(*method.descriptor, "google.api.http",
                     "`" + rule.verb + " " + rule.pattern + "` is bound " + whose,
                     "give one of them another path or verb; variables' names make no difference");
      }
    }
  }
}

}  // namespace parley::contract
