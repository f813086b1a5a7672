// Transport: a non-blocking byte stream over one socket, plain TCP or TLS, for server and client alike.
//
// Owned by its connection, on one shard. Readiness is edge-triggered: after `transport_readable`, read until the result
// says `blocked`; whoever stops earlier (back-pressure) calls `read` again by itself when it wants more, because no
// event comes. `write` takes what the socket takes; after `blocked`, `transport_writable` comes once the socket takes
// more. No callback comes from within a call of the user's, and none after `close`. The user may call `close` in a
// callback, but must not destroy the transport there: put that off (TurnHook).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

#include "base/error.h"
#include "loop/shard.h"

namespace parley::net {

class TransportEvents {
 public:
  // The stream can be used: connected, and the TLS handshake is over. Reads come next by themselves where bytes wait.
  virtual void transport_open() = 0;
  virtual void transport_readable() = 0;
  virtual void transport_writable() = 0;
  // Connecting or the handshake failed. Nothing was sent above TLS.
  virtual void transport_failed(Error why) = 0;

 protected:
  ~TransportEvents() = default;
};

enum class IoState : std::uint8_t {
  ok,       // there may be more to read; all of it was written
  blocked,  // an event will tell
  ended,    // read: the peer closed its side in order (FIN, or TLS close_notify)
  failed,   // reset, time-out, broken record: see `error()`
};

struct IoResult {
  IoState state;
  std::size_t bytes;  // may be above zero with any state but `failed`
};

class Transport {
 public:
  // Takes over `fd`: a non-blocking TCP socket, accepted or with a connect in progress. `blame`: whose fault a failure
  // is.
  Transport(Shard& shard, int fd, TransportEvents& events, Blame blame);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  ~Transport();

  // Starts an accepted socket; `tls` null: plain text.
  void start_server(SSL_CTX* tls);
  // Starts a socket whose connect is in progress. With `tls`, the handshake follows; the names in `tls`' ALPN list are
  // offered. `server_name` goes into SNI (unless it is an address) and, where `verify`, is checked against the
  // certificate.
  void start_client(SSL_CTX* tls, const std::string& server_name, bool verify);

  bool is_open() const { return stage_ == Stage::open; }
  bool is_closed() const { return stage_ == Stage::closed; }
  bool is_tls() const { return ssl_ != nullptr; }
  int fd() const { return fd_; }

  IoResult read(std::span<char> into);
  IoResult write(std::string_view bytes);
  // A buffer of this thread for `read`, valid until the next call of any `read`'s user: hand the bytes on before
  // returning to the loop.
  static std::span<char> read_buffer();

  // Bytes that the socket has taken so far (over TLS: of records).
  std::uint64_t bytes_sent() const { return bytes_sent_; }

  // The peer closed or broke its side: what is left to read ends soon. For users that have stopped reading.
  bool peer_hung_up() const { return watch_.hung_up(); }
  // The peer's FIN came, and was met by a read or a write. What it acknowledges is all that the peer had when it
  // closed.
  bool peer_closed() const { return peer_closed_; }
  // Sends FIN (close_notify first over TLS); reading goes on.
  void shut_down();
  // Closes at once. Unsent bytes may be lost with it, so `shut_down` first where the peer should see them. `abort`: RST
  // instead of FIN.
  void close(bool abort = false);

  // Why a read or write failed: unavailable, with the system's or OpenSSL's words.
  Error error() const;

  // After `transport_open`.
  std::string_view alpn() const;  // "h2", "http/1.1" or ""
  std::string peer_subject()
      const;  // of the peer's verified certificate: the first URI or DNS name, else its common name; ""
  std::string peer_address() const;  // "127.0.0.1:40312"

 private:
  enum class Stage : std::uint8_t { idle, connecting, handshake, open, closed };
  static void ready(void* self, bool readable, bool writable);
  static int bio_read(BIO* bio, char* into, std::size_t size, std::size_t* got);
  static int bio_write(BIO* bio, const char* from, std::size_t size, std::size_t* put);
  static long bio_ctrl(BIO* bio, int command, long number, void* pointer);
  static BIO_METHOD* bio_method();
  void start_tls(SSL_CTX* tls);
  void continue_connect();
  void continue_handshake();
  void opened();
  void failed(const char* what);
  IoResult read_socket(std::span<char> into);
  IoResult write_socket(std::string_view bytes);
  IoResult read_tls(std::span<char> into);
  IoResult write_tls(std::string_view bytes);
  IoState tls_state(int result);
  IoState send_records();

  Shard& shard_;
  TransportEvents& events_;
  Watch watch_;
  SSL* ssl_ = nullptr;
  std::string error_text_;
  std::uint64_t bytes_sent_ = 0;
  int fd_;
  int error_number_ = 0;
  Blame blame_;
  Stage stage_ = Stage::idle;
  std::string records_;  // TLS records that the socket did not take
  bool shut_down_ = false;
  bool peer_closed_ = false;
  bool read_failed_ = false;     // over TLS, for good
  bool tls_refused_ = false;     // one of the two does not accept the other: trying again does not help
  bool write_blocked_ = false;   // a write took less than all: an event is owed
  bool socket_drained_ = false;  // the last recv took all there was, and no event came since
};

}  // namespace parley::net
