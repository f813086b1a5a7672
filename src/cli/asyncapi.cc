#include "contract/asyncapi.h"

#include <cstdio>

#include "cli/commands.h"
#include "cli/contract_of.h"

namespace parley::cli {

int asyncapi(const AsyncapiOptions& options) {
  const auto subject = subject_at(options.path);
  if (!subject) return 2;
  contract::AsyncApiInfo info;
  info.host = subject->config.listen;
  std::printf("%s\n", contract::asyncapi_json(*subject->loaded.contract, info).c_str());
  return 0;
}

}  // namespace parley::cli
