#include "node/signals.h"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <sys/signalfd.h>
#include <unistd.h>

namespace parley::node {
namespace {

sigset_t handled() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  return set;
}

}  // namespace

Signals::Signals(Shard& shard, std::function<void(int)> received)
    : received_(std::move(received)),
      watch_([](void* self, bool, bool) { static_cast<Signals*>(self)->read(); }, this) {
  hold();
  const sigset_t set = handled();
  fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  watch_.start(shard, fd_);
}

void Signals::hold() {
  const sigset_t set = handled();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Signals::~Signals() {
  watch_.stop();
  close(fd_);
  const sigset_t set = handled();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void Signals::read() {
  signalfd_siginfo info{};
  while (::read(fd_, &info, sizeof info) == sizeof info) received_(static_cast<int>(info.ssi_signo));
}

}  // namespace parley::node
