#include "node/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

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
// Read at once: a child that writes without a pause must not keep the shard from all else.
constexpr int chunks_at_once = 16;
constexpr Duration look_at_group = std::chrono::milliseconds(10);

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
  signal(SIGCHLD, SIG_DFL);
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
      restart_([](void* self) { static_cast<Process*>(self)->spawn_again(); }, this),
      read_on_([](void* self) { static_cast<Process*>(self)->read_output(); }, this) {}

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
  pid_ = group_ = fork();
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
  if (pid_fd_ < 0) {
    const int why = errno;
    kill(-pid_, SIGKILL);
    waitpid(std::exchange(pid_, -1), nullptr, 0);
    return fail(
        Error(Code::failed_precondition, Blame::us, std::string("cannot watch a process: ") + std::strerror(why)));
  }
  pid_watch_.start(shard_, pid_fd_);
  started_ = shard_.now();
  log::info("{}: started, process {}: {}", name_, pid_, command_);
  changed_.notify();
  return {};
}

void Process::spawn_again() {
  const auto started = spawn();
  if (started) return;
  log::error("{}: {}; trying again in {} ms", name_, started.error().message(),
             std::chrono::duration_cast<std::chrono::milliseconds>(backoff_).count());
  start_later();
}

void Process::start_later() {
  restart_.set(shard_.timers(), Deadline::after(shard_.now(), backoff_));
  backoff_ = std::min(backoff_ * 2, backoff_max);
}

void Process::read_output() {
  std::array<char, 4096> chunk;
  for (int i = 0; i < chunks_at_once; ++i) {
    const ssize_t n = read(output_, chunk.data(), chunk.size());
    if (n > 0) {
      print_lines({chunk.data(), static_cast<std::size_t>(n)});
    } else if (n == 0 || errno != EINTR) {
      return;
    }
  }
  read_on_.set(shard_.timers(), Deadline::at(shard_.now()));  // no event tells of what is there already
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
  const pid_t reaped = waitpid(pid_, &status, WNOHANG);
  if (reaped == 0) return;
  // What it left running in its group must not hold its port. Where it shall stop, that has been told to stop too.
  if (!stopping_) kill(-pid_, SIGKILL);
  read_output();
  if (!line_.empty()) print_lines("\n");
  pid_watch_.stop();
  close(pid_fd_);
  pid_fd_ = -1;
  const pid_t pid = std::exchange(pid_, -1);
  if (stopping_) {
    log::info("{}: stopped", name_);
  } else {
    if (shard_.now() - started_ > ran_well) backoff_ = backoff_first;
    // Where SIGCHLD is ignored (exec keeps that of whoever started Parley) the kernel has reaped it.
    log::warn("{}: {}; starting again in {} ms", name_, reaped == pid ? how(status) : "ended",
              std::chrono::duration_cast<std::chrono::milliseconds>(backoff_).count());
    start_later();
  }
  changed_.notify();
}

// Also of those whose shell has ended, which are our children now.
bool Process::has_group() {
  while (waitpid(-group_, nullptr, WNOHANG) > 0) continue;
  return kill(-group_, 0) == 0;
}

Task<void> Process::stop(Duration patience) {
  stopping_ = true;
  restart_.clear();
  if (pid_ <= 0) co_return;
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // what its shell leaves behind is ours to wait for
  kill(-pid_, SIGTERM);
  struct Late {
    Process* process;
    bool killed = false;
  } late{this};
  Timer too_late(
      [](void* at) {
        auto* l = static_cast<Late*>(at);
        log::warn("{}: did not stop in time; killing it", l->process->name_);
        kill(-l->process->group_, SIGKILL);
        l->killed = true;
      },
      &late);
  too_late.set(shard_.timers(), Deadline::after(shard_.now(), patience));
  while (pid_ > 0) co_await changed_.wait();
  while (!late.killed && has_group()) co_await shard_.sleep(look_at_group);
}

}  // namespace parley::node
