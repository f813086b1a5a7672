// A WebSocket of parley_sockets (RFC 6455): no extensions, and no more checks than a load generator needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace parley::bench {

struct SocketOptions {
  int port = 0;
  std::string path = "/";
  std::string subprotocol;
  bool binary = false;
  std::string hello;    // a frame that is sent first; empty: none
  std::string message;  // the frame that echo sends, with `line_mark` and digits in it (lines.h)
};

// One client frame in which the time can be changed: masked, as clients' frames are.
class LineFrame {
 public:
  LineFrame(std::string_view payload, bool binary);
  // The frame with the time of now; valid until the next call.
  const std::string& stamped(long long now);

 private:
  std::string frame_;
  std::size_t digits_ = std::string::npos;  // where they are in `frame_`
  std::size_t digits_in_payload_ = 0;
};

class SocketClient {
 public:
  // What run() of parley_sockets does with what comes.
  struct Sink {
    virtual ~Sink() = default;
    // A data frame with so many lines in it; `made` is the time of the first one (lines.h), 0 without one.
    virtual void lines(SocketClient& from, int count, long long made) = 0;
  };

  SocketClient(const SocketOptions& options, Sink& sink, int receive_buffer);
  SocketClient(const SocketClient&) = delete;
  SocketClient& operator=(const SocketClient&) = delete;
  ~SocketClient();

  int fd() const { return fd_; }
  bool open() const { return state_ == State::open; }
  bool dead() const { return state_ == State::dead; }
  const std::string& why() const { return why_; }  // it is dead

  void readable();
  void send(std::string_view frame) { out_ += frame; }
  void flush();

  std::uint64_t received = 0;  // lines while measuring; the sink counts

 private:
  enum class State : std::uint8_t { handshake, open, dead };
  void take(std::string_view bytes);
  std::size_t take_handshake(std::string_view bytes);
  std::size_t take_frame(std::string_view bytes);
  void take_payload(int opcode, std::string_view payload);
  void die(std::string why);

  const SocketOptions& options_;
  Sink& sink_;
  int fd_;
  State state_ = State::handshake;
  std::string partial_;
  std::string out_;
  std::string why_;
};

}  // namespace parley::bench
