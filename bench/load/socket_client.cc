#include "socket_client.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lines.h"

namespace parley::bench {
namespace {

enum Opcode : std::uint8_t { op_text = 1, op_binary = 2, op_close = 8, op_ping = 9, op_pong = 10 };

constexpr std::array<char, 4> mask = {'\x37', '\x5a', '\x21', '\x6d'};

std::string client_frame(int opcode, std::string_view payload) {
  std::string frame(1, static_cast<char>(0x80 | opcode));
  const std::size_t size = payload.size();
  if (size < 126) {
    frame += static_cast<char>(0x80U | size);
  } else if (size < 65536) {
    frame += static_cast<char>(0x80U | 126U);
    for (const unsigned shift : {8U, 0U}) frame += static_cast<char>(size >> shift);
  } else {
    frame += static_cast<char>(0x80U | 127U);
    for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(size >> static_cast<unsigned>(shift));
  }
  frame.append(mask.data(), mask.size());
  for (std::size_t i = 0; i < size; ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame;
}

int connect_to(int port, int receive_buffer) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const int segment =
        1400;  // as on a real network: by the loopback's 64 KiB the server's kernel would take megabytes
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
  }
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

}  // namespace

LineFrame::LineFrame(std::string_view payload, bool binary)
    : frame_(client_frame(binary ? op_binary : op_text, payload)) {
  const std::size_t at = payload.find(line_mark);
  if (at == std::string_view::npos) return;
  digits_in_payload_ = at + line_mark.size();
  digits_ = frame_.size() - payload.size() + digits_in_payload_;
}

const std::string& LineFrame::stamped(long long now) {
  if (digits_ == std::string::npos) return frame_;
  std::array<char, line_digits + 1> text{};
  std::to_chars(text.data(), text.data() + text.size(), now);
  for (std::size_t i = 0; i < line_digits; ++i) {
    frame_[digits_ + i] = static_cast<char>(text[i] ^ mask[(digits_in_payload_ + i) % 4]);
  }
  return frame_;
}

SocketClient::SocketClient(const SocketOptions& options, Sink& sink, int receive_buffer)
    : options_(options), sink_(sink), fd_(connect_to(options.port, receive_buffer)) {
  out_ = "GET " + options.path +
         " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  if (!options.subprotocol.empty()) out_ += "Sec-WebSocket-Protocol: " + options.subprotocol + "\r\n";
  out_ += "\r\n";
  flush();
}

SocketClient::~SocketClient() { close(fd_); }

void SocketClient::die(std::string why) {
  if (dead()) return;
  state_ = State::dead;
  why_ = std::move(why);
}

void SocketClient::readable() {
  static std::array<char, 256 * 1024> chunk;
  while (!dead()) {
    const ssize_t n = recv(fd_, chunk.data(), chunk.size(), 0);
    if (n == 0) return die("the server closed");
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR) die(std::strerror(errno));
      return;
    }
    take({chunk.data(), static_cast<std::size_t>(n)});
    if (n < static_cast<ssize_t>(chunk.size())) return;
  }
}

void SocketClient::flush() {
  while (!out_.empty() && !dead()) {
    const ssize_t n = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (n < 0) {
      if (errno != EAGAIN) die(std::strerror(errno));
      return;
    }
    out_.erase(0, static_cast<std::size_t>(n));
  }
}

void SocketClient::take(std::string_view bytes) {
  const bool joined = !partial_.empty();
  if (joined) {
    partial_ += bytes;
    bytes = partial_;
  }
  while (!dead() && !bytes.empty()) {
    const std::size_t used = state_ == State::handshake ? take_handshake(bytes) : take_frame(bytes);
    if (used == 0) break;
    bytes.remove_prefix(used);
  }
  std::string rest(bytes);
  partial_.swap(rest);
}

std::size_t SocketClient::take_handshake(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  if (!bytes.starts_with("HTTP/1.1 101")) {
    die("no 101: " + std::string(bytes.substr(0, 300)));
    return 0;
  }
  state_ = State::open;
  if (!options_.hello.empty()) out_ += client_frame(options_.binary ? op_binary : op_text, options_.hello);
  return end + 4;
}

std::size_t SocketClient::take_frame(std::string_view bytes) {
  if (bytes.size() < 2) return 0;
  std::size_t head = 2;
  std::size_t size = static_cast<unsigned char>(bytes[1]) & 0x7FU;
  const std::size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (more != 0) {
    if (bytes.size() < head + more) return 0;
    size = 0;
    for (std::size_t i = 0; i < more; ++i) size = size << 8U | static_cast<unsigned char>(bytes[head + i]);
    head += more;
  }
  if (bytes.size() < head + size) return 0;
  take_payload(bytes[0] & 0x0F, bytes.substr(head, size));
  return head + size;
}

void SocketClient::take_payload(int opcode, std::string_view payload) {
  if (opcode == op_ping) {
    out_ += client_frame(op_pong, payload);
  } else if (opcode == op_close) {
    const int code =
        payload.size() < 2
            ? 1005
            : static_cast<int>(static_cast<unsigned char>(payload[0]) << 8U | static_cast<unsigned char>(payload[1]));
    die("close " + std::to_string(code) + " " + std::string(payload.substr(std::min<std::size_t>(2, payload.size()))));
  } else if (opcode != op_pong) {
    int count = 0;
    long long made = 0;
    for (std::size_t at = payload.find(line_mark); at != std::string_view::npos;
         at = payload.find(line_mark, at + line_mark.size() + line_digits)) {
      if (count++ == 0) std::from_chars(payload.data() + at + line_mark.size(), payload.data() + payload.size(), made);
    }
    sink_.lines(*this, count, made);
  }
}

}  // namespace parley::bench
