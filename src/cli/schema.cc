#include <cstdio>

#include "cli/commands.h"
#include "node/config.h"

namespace parley::cli {

int schema_config(bool markdown) {
  std::fputs((markdown ? node::config_markdown() : node::config_schema()).c_str(), stdout);
  return 0;
}

}  // namespace parley::cli
