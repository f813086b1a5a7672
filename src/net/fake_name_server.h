// For tests: a name server on the test's own loop.
#pragma once

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/shard.h"

namespace parley::net {

// Answers A questions for "shop.test" with two addresses, everything else with NXDOMAIN,
// and says nothing about "silent.test".
class FakeNameServer {
 public:
  explicit FakeNameServer(Shard& shard)
      : watch_([](void* self, bool, bool) { static_cast<FakeNameServer*>(self)->serve(); }, this) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) throw std::runtime_error("no port for a test");
    socklen_t size = sizeof any;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&any), &size);
    port_ = ntohs(any.sin_port);
    watch_.start(shard, fd_);
  }
  ~FakeNameServer() {
    watch_.stop();
    close(fd_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() {
    std::array<char, 512> question{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    for (;;) {
      const ssize_t n = recvfrom(fd_, question.data(), question.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 12) return;
      const std::string_view asked(question.data(), static_cast<std::size_t>(n));
      if (asked.find("silent") != std::string_view::npos) continue;
      const std::size_t name_end = asked.find('\0', 12);
      const std::string answer = reply(asked.substr(0, name_end + 5));
      sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  // `question`: header and question section, without what follows it (RFC 1035 section 4).
  static std::string reply(std::string_view question) {
    const bool known = question.find("shop") != std::string_view::npos;
    const bool is_a = question[question.size() - 3] == 1;
    std::string out(question);
    out[2] = static_cast<char>(0x81);
    out[3] = static_cast<char>(known ? 0x80 : 0x83);
    out[7] = static_cast<char>(known && is_a ? 2 : 0);
    out[9] = out[11] = 0;
    if (!known || !is_a) return out;
    for (const char last : {1, 2}) {
      const char record[] = {'\xc0', 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, last};
      out.append(record, sizeof record);
    }
    return out;
  }

  Watch watch_;
  int fd_;
  std::uint16_t port_ = 0;
};

}  // namespace parley::net
