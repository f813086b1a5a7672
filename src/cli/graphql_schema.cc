#include <cstdio>

#include "cli/commands.h"
#include "cli/contract_of.h"
#include "graphql/introspection.h"
#include "graphql/schema.h"

namespace parley::cli {

int graphql_schema(const GraphqlSchemaOptions& options) {
  const auto subject = subject_at(options.path);
  if (!subject) return 2;
  const graphql::BuiltSchema built = graphql::Schema::build(subject->loaded.contract);
  print(built.diagnostics);
  if (built.schema == nullptr) return 1;
  std::printf("%s\n", (options.json ? graphql::introspection_json(*built.schema) : built.schema->sdl()).c_str());
  return 0;
}

}  // namespace parley::cli
