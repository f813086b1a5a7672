#include "node/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

namespace parley::node {
namespace {

constexpr Duration backoff_first = std::chrono::milliseconds(250);
constexpr Duration backoff_max = std::chrono::seconds(10);
constexpr Duration ran_well =
    std::chrono::seconds(10);                  // after that long a new end starts from the first back-off again
constexpr std::size_t line_bytes = 16 * 1024;  // a longer line is printed in parts

std::string how(int status) {
  if (WIFEXITED(status)) return "ended with exit code " + std::to_string(WEXITSTATUS(status));
  return std::string("was ended by signal ") + std::to_string(WTERMSIG(status));
}

// In the child, between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(const char* command, const char* folder, int output, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // the parent died before prctl
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  if (chdir(folder) != 0) _exit(126);
  execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

Process::Process(Shard& shard, std::string name, std::string command, std::string folder)
    : shard_(shard),
      name_(std::move(name)),
      command_(std::move(command)),
      folder_(std::move(folder)),
      pid_watch_([](void* self, bool, bool) { static_cast<Process*>(self)->ended(); }, this),
      output_watch_([](void* self, bool, bool) { static_cast<Process*>(self)->read_output(); }, this),
      backoff_(backoff_first),
      restart_(
          [](void* self) {
            auto* process = static_cast<Process*>(self);
            if (const auto started = process->spawn(); !started)
              log::error("{}: {}", process->name_, started.error().message());
          },
          this) {}

Process::~Process() {
  pid_watch_.stop();
  output_watch_.stop();
  if (pid_ > 0) {
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (pid_fd_ >= 0) close(pid_fd_);
  if (output_ >= 0) close(output_);
}

Result<void> Process::start() { return spawn(); }

Result<void> Process::spawn() {
  std::array<int, 2> pipe_fds{};
  if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) {
    return fail(
        Error(Code::failed_precondition, Blame::us, std::string("no pipe for its output: ") + std::strerror(errno)));
  }
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(command_.c_str(), folder_.c_str(), pipe_fds[1], parent);
  close(pipe_fds[1]);
  if (pid_ < 0) {
    close(pipe_fds[0]);
    return fail(
        Error(Code::failed_precondition, Blame::us, std::string("cannot start a process: ") + std::strerror(errno)));
  }
  setpgid(pid_, pid_);  // here too: whoever comes first
  output_watch_.stop();
  if (output_ >= 0) close(output_);
  output_ = pipe_fds[0];
  fcntl(output_, F_SETFL, O_NONBLOCK);
  output_watch_.start(shard_, output_);
  pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  pid_watch_.start(shard_, pid_fd_);
  started_ = shard_.now();
  log::info("{}: started, process {}: {}", name_, pid_, command_);
  changed_.notify();
  return {};
}

void Process::read_output() {
  std::array<char, 4096> chunk;
  for (;;) {
    const ssize_t n = read(output_, chunk.data(), chunk.size());
    if (n > 0) {
      print_lines({chunk.data(), static_cast<std::size_t>(n)});
    } else if (n == 0 || errno != EINTR) {
      return;
    }
  }
}

void Process::print_lines(std::string_view chunk) {
  const auto print = [this] {
    std::fprintf(stderr, "%s | %s\n", name_.c_str(), line_.c_str());
    line_.clear();
  };
  for (const char c : chunk) {
    if (c == '\n' || line_.size() >= line_bytes) print();
    if (c != '\n') line_ += c;
  }
}

void Process::ended() {
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return;
  read_output();
  if (!line_.empty()) print_lines("\n");
  // What it left running in its group must not hold its port.
  kill(-pid_, SIGKILL);
  pid_watch_.stop();
  close(pid_fd_);
  pid_fd_ = -1;
  pid_ = -1;
  if (stopping_) {
    log::info("{}: stopped", name_);
  } else {
    if (shard_.now() - started_ > ran_well) backoff_ = backoff_first;
    log::warn("{}: {}; starting again in {} ms", name_, how(status),
              std::chrono::duration_cast<std::chrono::milliseconds>(backoff_).count());
    restart_.set(shard_.timers(), Deadline::after(shard_.now(), backoff_));
    backoff_ = std::min(backoff_ * 2, backoff_max);
  }
  changed_.notify();
}

Task<void> Process::stop(Duration patience) {
  stopping_ = true;
  restart_.clear();
  if (pid_ <= 0) co_return;
  kill(-pid_, SIGTERM);
  Timer too_late(
      [](void* self) {
        auto* process = static_cast<Process*>(self);
        log::warn("{}: did not stop in time; killing it", process->name_);
        if (process->pid_ > 0) kill(-process->pid_, SIGKILL);
      },
      this);
  too_late.set(shard_.timers(), Deadline::after(shard_.now(), patience));
  while (pid_ > 0) co_await changed_.wait();
}

}  // namespace parley::node
