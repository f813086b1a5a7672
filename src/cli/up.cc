#include <cstdio>

#include "base/log.h"
#include "cli/commands.h"
#include "node/node.h"

namespace parley::cli {

int up(const UpOptions& options) {
  auto config = node::read_config(options.path);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().message().c_str());
    return 2;
  }
  node::Node node(std::move(*config));
  const auto ran = node.run();
  if (ran) return 0;
  log::write_lines(log::Level::error, ran.error().message());  // one a problem
  return 2;
}

}  // namespace parley::cli
