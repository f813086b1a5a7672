// AccessLog: one JSON line a call, written by a thread of its own. A shard adds records to its lane; the thread
// collects the lanes a few times a second, formats and writes. A lane is bounded: what does not fit is counted and
// reported, never waited for.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"

namespace parley::filter {

struct AccessRecord {
  std::chrono::system_clock::time_point when;  // the call's end
  std::string_view edge;                       // a literal
  std::string method;                          // "/shop.Orders/GetOrder"; the request's path where no method has it
  Code code = Code::ok;
  std::string reason;  // "" for success
  std::string_view blame;
  Duration took{};
  std::string caller;
  std::string trace_id;
};

// "{"time":"2026-…Z","edge":"rest",…}" without the line's end.
std::string access_line(const AccessRecord& record);

class AccessLog {
 public:
  class Lane {
   public:
    void add(AccessRecord record);

   private:
    friend class AccessLog;
    std::mutex lock_;  // between its shard and the writing thread only, a few times a second
    std::vector<AccessRecord> records_;
    std::uint64_t dropped_ = 0;
  };

  // `target`: "-" for standard output, else a file that is appended to. Errors: failed_precondition with the system's
  // reason.
  static Result<std::unique_ptr<AccessLog>> open(const std::string& target, std::size_t lanes);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  ~AccessLog();  // writes what is left

  Lane& lane(std::size_t shard);

 private:
  AccessLog(int fd, std::size_t lanes);
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace parley::filter
