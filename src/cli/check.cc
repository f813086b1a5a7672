#include <cstdio>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/contract_of.h"
#include "contract/breaking.h"

namespace parley::cli {
namespace {

using contract::Diagnostic;

std::string to_json(const Diagnostic& d) {
  return "{\"severity\":\"" + std::string(d.severity == Diagnostic::Severity::error ? "error" : "warning") +
         "\",\"file\":" + json_quoted(d.file) + ",\"line\":" + std::to_string(d.line) +
         ",\"column\":" + std::to_string(d.column) + ",\"message\":" + json_quoted(d.message) +
         ",\"hint\":" + json_quoted(d.hint) + "}";
}

bool any_error(const std::vector<Diagnostic>& diagnostics) {
  for (const Diagnostic& d : diagnostics) {
    if (d.severity == Diagnostic::Severity::error) return true;
  }
  return false;
}

}  // namespace

int check(const CheckOptions& options) {
  const auto subject = subject_at(options.path);
  if (!subject) return 1;
  std::vector<Diagnostic> findings = subject->loaded.diagnostics;
  if (!options.against.empty()) {
    const auto old = subject_at(options.against);
    if (!old) return 2;
    auto breaks = contract::breaking_changes(*old->loaded.contract, *subject->loaded.contract);
    print(breaks);
    findings.insert(findings.end(), std::make_move_iterator(breaks.begin()), std::make_move_iterator(breaks.end()));
  }
  if (options.json) {
    std::string out;
    for (const Diagnostic& d : findings) out.append(out.empty() ? "[" : ",\n ").append(to_json(d));
    std::printf("%s]\n", out.empty() ? "[" : out.c_str());
  } else if (!any_error(findings)) {
    std::printf("%zu services, %zu rpcs: good\n", subject->loaded.contract->services().size(),
                subject->loaded.contract->method_count());
  }
  return any_error(findings) ? 1 : 0;
}

}  // namespace parley::cli
