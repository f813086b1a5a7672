#include "contract/openapi.h"

#include <cstdio>

#include "cli/commands.h"
#include "cli/contract_of.h"

namespace parley::cli {

int openapi(const OpenapiOptions& options) {
  const auto subject = subject_at(options.path);
  if (!subject) return 2;
  std::printf("%s\n", contract::openapi_json(*subject->loaded.contract, {}).c_str());
  return 0;
}

}  // namespace parley::cli
