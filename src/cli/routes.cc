#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/contract_of.h"

namespace parley::cli {
namespace {

struct Row {
  std::string verb;
  std::string pattern;
  std::string rpc;
  std::string kind;
};

std::string kind_of(const contract::Method& m) {
  if (m.client_streaming && m.server_streaming) return "bidi stream";
  if (m.client_streaming) return "client stream";
  if (m.server_streaming) return "server stream";
  if (m.queue) return "queue";
  if (m.subscribe) return "takes events of " + m.subscribe->topic;
  return "unary";
}

std::vector<Row> rows_of(const contract::Contract& contract) {
  std::vector<Row> rows;
  for (const contract::Service& service : contract.services()) {
    for (const contract::Method& method : service.methods) {
      for (const contract::HttpRule& rule : method.rules) {
        rows.push_back({rule.verb, rule.pattern, method.path.substr(1),
                        method.not_served.empty() ? kind_of(method) : method.not_served});
      }
    }
  }
  return rows;
}

}  // namespace

int routes(const RoutesOptions& options) {
  const auto subject = subject_at(options.path);
  if (!subject) return 2;
  const std::vector<Row> rows = rows_of(*subject->loaded.contract);
  if (options.json) {
    std::string out;
    for (const Row& row : rows) {
      out.append(out.empty() ? "[" : ",\n ")
          .append("{\"verb\":" + json_quoted(row.verb) + ",\"pattern\":" + json_quoted(row.pattern) +
                  ",\"rpc\":" + json_quoted(row.rpc) + ",\"kind\":" + json_quoted(row.kind) + "}");
    }
    std::printf("%s]\n", out.empty() ? "[" : out.c_str());
    return 0;
  }
  std::size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row.pattern.size());
  for (const Row& row : rows) {
    std::printf("%-7s %-*s  %s (%s)\n", row.verb.c_str(), static_cast<int>(width), row.pattern.c_str(), row.rpc.c_str(),
                row.kind.c_str());
  }
  return 0;
}

}  // namespace parley::cli
