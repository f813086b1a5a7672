#include "filter/access_log.h"

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <thread>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

namespace parley::filter {
namespace {

constexpr std::size_t lane_records = 65'536;
constexpr std::chrono::milliseconds write_interval(100);

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      log::error("the access log cannot be written: {}", std::strerror(errno));
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

std::string access_line(const AccessRecord& r) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(r.when);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(r.when - whole).count();
  std::string line = fmt::format(R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:06}Z","edge":"{}","method":{},"code":"{}")",
                                 fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), micros, r.edge,
                                 json_quoted(r.method), name(r.code));
  if (r.code != Code::ok) line += fmt::format(R"(,"reason":{},"blame":"{}")", json_quoted(r.reason), r.blame);
  line += fmt::format(R"(,"duration_us":{},"caller":{},"trace_id":"{}"}})",
                      std::chrono::duration_cast<std::chrono::microseconds>(r.took).count(), json_quoted(r.caller),
                      r.trace_id);
  return line;
}

struct AccessLog::Rep {
  int fd;
  std::deque<Lane> lanes;
  std::mutex lock;
  std::condition_variable wake;
  bool stopping = false;
  std::thread writer;

  void run() {
    for (bool last = false; !last;) {
      {
        std::unique_lock guard(lock);
        last = wake.wait_for(guard, write_interval, [this] { return stopping; });
      }
      for (Lane& lane : lanes) write_lane(lane);
    }
  }

  void write_lane(Lane& lane) {
    std::vector<AccessRecord> records;
    std::uint64_t dropped = 0;
    {
      const std::lock_guard guard(lane.lock_);
      records.swap(lane.records_);
      std::swap(dropped, lane.dropped_);
    }
    std::string text;
    for (const AccessRecord& record : records) text.append(access_line(record)).append("\n");
    write_all(fd, text);
    if (dropped > 0) log::warn("the access log could not keep up: {} lines dropped", dropped);
  }
};

void AccessLog::Lane::add(AccessRecord record) {
  const std::lock_guard guard(lock_);
  if (records_.size() >= lane_records) {
    ++dropped_;
    return;
  }
  records_.push_back(std::move(record));
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::string& target, std::size_t lanes) {
  const int fd =
      target == "-" ? ::dup(STDOUT_FILENO) : ::open(target.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) {
    return fail(
        Error(Code::failed_precondition, Blame::us, "log.access: cannot open " + target + ": " + std::strerror(errno)));
  }
  return std::unique_ptr<AccessLog>(new AccessLog(fd, lanes));
}

AccessLog::AccessLog(int fd, std::size_t lanes) : rep_(std::make_unique<Rep>()) {
  rep_->fd = fd;
  for (std::size_t i = 0; i < lanes; ++i) rep_->lanes.emplace_back();
  rep_->writer = std::thread([rep = rep_.get()] { rep->run(); });
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard guard(rep_->lock);
    rep_->stopping = true;
  }
  rep_->wake.notify_one();
  rep_->writer.join();
  ::close(rep_->fd);
}

AccessLog::Lane& AccessLog::lane(std::size_t shard) { return rep_->lanes.at(shard); }

}  // namespace parley::filter
