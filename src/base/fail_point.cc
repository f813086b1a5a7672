#include "base/fail_point.h"

#if defined(PARLEY_FAIL_POINTS) || !defined(NDEBUG)

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <unistd.h>

#include "base/text.h"

namespace parley {
namespace {

struct Armed {
  std::string name;
  std::atomic<int> left = 0;
  int signal = SIGKILL;

  Armed() {
    const char* text = std::getenv("PARLEY_FAIL_POINT");  // NOLINT(concurrency-mt-unsafe): nothing sets it
    if (text == nullptr) return;
    const auto parts = split(text, ':');
    name = parts[0];
    int count = 1;
    if (parts.size() > 1) std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), count);
    if (parts.size() > 2 && parts[2] == "stop") signal = SIGSTOP;
    left = count;
  }
};

}  // namespace

void fail_point(std::string_view name) {
  static Armed armed;
  if (armed.name != name || armed.left.fetch_sub(1) != 1) return;
  const std::string text = "fail point " + armed.name + (armed.signal == SIGSTOP ? ": stopped\n" : ": killed\n");
  std::fputs(text.c_str(), stderr);
  ::kill(::getpid(), armed.signal);
}

}  // namespace parley

#endif
