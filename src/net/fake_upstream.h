// For tests: an HTTP/2 server on the test's own loop that does what a test says, right or wrong. It frames by hand, so
// that it can also break the rules; it keeps no windows (tests stay below the client's).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fields.h"
#include "loop/shard.h"

namespace parley::net {

// Waits of a test that is not about time: a machine that stands still for some seconds is no slow upstream.
inline constexpr Duration patience = std::chrono::hours(1);

// A socket on a port of the loopback, a free one for 0.
inline int bind_on_loopback(std::uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("no port for a test");
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

inline int listen_on_loopback(std::uint16_t& port) {
  const int fd = bind_on_loopback(port);
  if (listen(fd, 64) != 0) throw std::runtime_error("no port for a test");
  return fd;
}

class FakeUpstream;

// One connection that came in.
class FakeConnection {
 public:
  struct Stream {
    Fields head;
    std::string body;
    Fields trailers;
    bool ended = false;
    std::optional<std::uint32_t> reset;  // by the client
  };

  FakeConnection(FakeUpstream& owner, Shard& shard, int fd);
  ~FakeConnection() { close(); }
  FakeConnection(const FakeConnection&) = delete;
  FakeConnection& operator=(const FakeConnection&) = delete;

  // What to send. `end`: END_STREAM.
  void headers(std::int32_t stream, const Fields& fields, bool end) {
    std::string block;
    for (const Field f : fields) {
      block += '\0';  // literal, not indexed (RFC 7541 section 6.2.2)
      append_text(block, f.name);
      append_text(block, f.value);
    }
    frame(NGHTTP2_HEADERS, static_cast<std::uint8_t>(NGHTTP2_FLAG_END_HEADERS | (end ? NGHTTP2_FLAG_END_STREAM : 0)),
          stream, block);
  }
  void data(std::int32_t stream, std::string_view bytes, bool end = false) {
    for (; bytes.size() > 16384; bytes.remove_prefix(16384)) frame(NGHTTP2_DATA, 0, stream, bytes.substr(0, 16384));
    frame(NGHTTP2_DATA, end ? NGHTTP2_FLAG_END_STREAM : 0, stream, bytes);
  }
  void reset(std::int32_t stream, std::uint32_t code) { frame(NGHTTP2_RST_STREAM, 0, stream, word(code)); }
  void goaway(std::int32_t last, std::uint32_t code) {
    frame(NGHTTP2_GOAWAY, 0, 0, word(static_cast<std::uint32_t>(last)) + word(code));
  }
  void frame(std::uint8_t type, std::uint8_t flags, std::int32_t stream, std::string_view payload) {
    std::string out(word(static_cast<std::uint32_t>(payload.size())).substr(1));
    out += static_cast<char>(type);
    out += static_cast<char>(flags);
    out += word(static_cast<std::uint32_t>(stream));
    out += payload;
    raw(out);
  }
  void raw(std::string_view bytes) {
    if (fd_ >= 0) [[maybe_unused]]
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void close(bool abort = false) {
    if (fd_ < 0) return;
    watch_.stop();
    const linger none{.l_onoff = abort ? 1 : 0, .l_linger = 0};
    if (abort) setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    ::close(fd_);
    fd_ = -1;
  }
  bool is_open() const { return fd_ >= 0; }

  std::map<std::int32_t, Stream> streams;
  bool saw_goaway = false;
  int pings = 0;

 private:
  static std::string word(std::uint32_t n) {
    const std::uint32_t big = htonl(n);
    return {reinterpret_cast<const char*>(&big), sizeof big};
  }
  static void append_text(std::string& out, std::string_view text) {
    if (text.size() < 127) {
      out += static_cast<char>(text.size());
    } else {  // RFC 7541 section 5.1
      out += '\x7f';
      std::size_t left = text.size() - 127;
      for (; left >= 128; left /= 128) out += static_cast<char>(left % 128 + 128);
      out += static_cast<char>(left);
    }
    out += text;
  }
  void readable();
  void take_frame(std::uint8_t type, std::uint8_t flags, std::int32_t id, std::string payload);
  Fields inflate(std::string& block);

  FakeUpstream& owner_;
  Watch watch_;
  int fd_;
  std::string in_;
  bool preface_ = false;
  bool settled_ = false;  // we sent SETTINGS
  nghttp2_hd_inflater* inflater_ = nullptr;
  std::unique_ptr<nghttp2_hd_inflater, void (*)(nghttp2_hd_inflater*)> inflater_owner_;
};

class FakeUpstream {
 public:
  // Called at a request's head and at its end.
  using OnRequest = std::function<void(FakeConnection&, std::int32_t stream, FakeConnection::Stream&)>;

  explicit FakeUpstream(Shard& shard, std::uint16_t at = 0)
      : shard_(shard),
        watch_([](void* self, bool, bool) { static_cast<FakeUpstream*>(self)->accept(); }, this),
        port(at) {
    fd_ = listen_on_loopback(port);
    watch_.start(shard, fd_);
  }
  ~FakeUpstream() {
    watch_.stop();
    for (const int fd : {fd_, reserved_}) {
      if (fd >= 0) ::close(fd);
    }
  }
  FakeUpstream(const FakeUpstream&) = delete;
  FakeUpstream& operator=(const FakeUpstream&) = delete;

  // No further connections; those that are there stay. The port remains ours, so that nobody else comes to listen
  // there.
  void stop() {
    if (fd_ < 0) return;
    watch_.stop();
    ::close(fd_);
    fd_ = -1;
    reserved_ = bind_on_loopback(port);
  }

 private:
  Shard& shard_;
  Watch watch_;
  int fd_ = -1;
  int reserved_ = -1;

 public:
  std::uint16_t port;
  OnRequest on_head = [](FakeConnection&, std::int32_t, FakeConnection::Stream&) {};
  OnRequest on_end = [](FakeConnection&, std::int32_t, FakeConnection::Stream&) {};
  OnRequest on_data = [](FakeConnection&, std::int32_t, FakeConnection::Stream&) {};       // after each DATA frame
  std::function<bool(FakeConnection&)> on_connect = [](FakeConnection&) { return true; };  // false: no SETTINGS
  std::uint32_t max_streams = 100;
  bool answer_pings = true;
  std::vector<std::unique_ptr<FakeConnection>> connections;

 private:
  void accept() {
    for (;;) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd < 0) return;
      connections.push_back(std::make_unique<FakeConnection>(*this, shard_, fd));
    }
  }
};

inline FakeConnection::FakeConnection(FakeUpstream& owner, Shard& shard, int fd)
    : owner_(owner),
      watch_(
          [](void* self, bool readable, bool) {
            if (readable) static_cast<FakeConnection*>(self)->readable();
          },
          this),
      fd_(fd),
      inflater_owner_(nullptr, nghttp2_hd_inflate_del) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  nghttp2_hd_inflate_new(&inflater_);
  inflater_owner_.reset(inflater_);
  watch_.start(shard, fd);
  settled_ = owner_.on_connect(*this);
  if (!settled_) return;
  const std::uint16_t id = htons(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  frame(NGHTTP2_SETTINGS, 0, 0, std::string(reinterpret_cast<const char*>(&id), 2) + word(owner_.max_streams));
}

inline void FakeConnection::readable() {
  char buffer[16384];
  bool ended = false;
  for (;;) {
    const ssize_t n = fd_ < 0 ? -1 : recv(fd_, buffer, sizeof buffer, 0);
    ended = n == 0;
    if (n <= 0) break;
    in_.append(buffer, static_cast<std::size_t>(n));
  }
  if (!preface_ && in_.size() >= NGHTTP2_CLIENT_MAGIC_LEN) {
    in_.erase(0, NGHTTP2_CLIENT_MAGIC_LEN);
    preface_ = true;
  }
  while (preface_ && in_.size() >= 9 && fd_ >= 0) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(in_[i])); };
    const std::size_t length = byte(0) << 16 | byte(1) << 8 | byte(2);
    if (in_.size() < 9 + length) break;
    const auto id = static_cast<std::int32_t>((byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8)) & 0x7fffffffU);
    const auto type = static_cast<std::uint8_t>(byte(3));
    const auto flags = static_cast<std::uint8_t>(byte(4));
    std::string payload = in_.substr(9, length);
    in_.erase(0, 9 + length);
    take_frame(type, flags, id, std::move(payload));
  }
  if (ended) close();
}

inline void FakeConnection::take_frame(std::uint8_t type, std::uint8_t flags, std::int32_t id, std::string payload) {
  const bool ack = (flags & NGHTTP2_FLAG_ACK) != 0;
  if (type == NGHTTP2_SETTINGS && !ack && settled_) frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "");
  if (type == NGHTTP2_GOAWAY) saw_goaway = true;
  if (type == NGHTTP2_PING && !ack) {
    ++pings;
    if (owner_.answer_pings) frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, payload);
  }
  if (type == NGHTTP2_RST_STREAM) {
    std::uint32_t code = 0;
    payload.copy(reinterpret_cast<char*>(&code), sizeof code);
    streams[id].reset = ntohl(code);
  }
  if (type != NGHTTP2_HEADERS && type != NGHTTP2_DATA) return;
  Stream& stream = streams[id];
  const bool first = type == NGHTTP2_HEADERS && stream.head.empty();
  if (type == NGHTTP2_HEADERS) (first ? stream.head : stream.trailers) = inflate(payload);
  if (type == NGHTTP2_DATA) {
    stream.body += payload;
    if (!payload.empty()) {
      frame(NGHTTP2_WINDOW_UPDATE, 0, 0, word(static_cast<std::uint32_t>(payload.size())));
      frame(NGHTTP2_WINDOW_UPDATE, 0, id, word(static_cast<std::uint32_t>(payload.size())));
    }
  }
  if (first) owner_.on_head(*this, id, stream);
  if (type == NGHTTP2_DATA) owner_.on_data(*this, id, stream);
  if ((flags & NGHTTP2_FLAG_END_STREAM) != 0 && fd_ >= 0) {
    stream.ended = true;
    owner_.on_end(*this, id, stream);
  }
}

inline Fields FakeConnection::inflate(std::string& block) {
  Fields out;
  auto* from = reinterpret_cast<std::uint8_t*>(block.data());
  std::size_t left = block.size();
  for (;;) {
    nghttp2_nv nv;
    int flags = 0;
    const ssize_t n = nghttp2_hd_inflate_hd2(inflater_, &nv, &flags, from, left, 1);
    if (n < 0) throw std::runtime_error("a bad header block");
    from += n;
    left -= static_cast<std::size_t>(n);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      out.add({reinterpret_cast<const char*>(nv.name), nv.namelen},
              {reinterpret_cast<const char*>(nv.value), nv.valuelen});
    }
    if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
      nghttp2_hd_inflate_end_headers(inflater_);
      return out;
    }
  }
}

}  // namespace parley::net
