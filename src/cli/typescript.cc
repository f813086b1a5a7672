#include "contract/typescript.h"

#include <cstdio>

#include "cli/commands.h"
#include "cli/contract_of.h"

namespace parley::cli {

int typescript(const TypescriptOptions& options) {
  const auto subject = subject_at(options.path);
  if (!subject) return 2;
  std::fputs(contract::typescript(*subject->loaded.contract).c_str(), stdout);
  return 0;
}

}  // namespace parley::cli
