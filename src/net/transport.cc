#include "net/transport.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

namespace parley::net {
namespace {

constexpr std::size_t read_buffer_size = 128 * 1024;
constexpr std::size_t records_at_once = 64 * 1024;  // plain bytes that become records before they are sent

// What the current TLS call wrote: sent with one system call after it. Only what the socket refuses moves into the
// transport.
thread_local std::string record_buffer;

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> out;
  return inet_pton(AF_INET, host.c_str(), out.data()) == 1 || inet_pton(AF_INET6, host.c_str(), out.data()) == 1;
}

std::string alternative_name(X509* certificate) {
  using Names = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
                    &GENERAL_NAMES_free);
  for (const int wanted : {GEN_URI, GEN_DNS}) {
    for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
      const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
      if (name->type != wanted) continue;
      const ASN1_IA5STRING* text = name->d.ia5;  // URI and DNS share this member
      return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                         static_cast<std::size_t>(ASN1_STRING_length(text)));
    }
  }
  return {};
}

std::string common_name(X509* certificate) {
  std::array<char, 256> text{};
  const int size =
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

Transport::Transport(Shard& shard, int fd, TransportEvents& events, Blame blame)
    : shard_(shard), events_(events), watch_(&Transport::ready, this), fd_(fd), blame_(blame) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Transport::~Transport() {
  close();
  SSL_free(ssl_);
}

std::span<char> Transport::read_buffer() {
  static thread_local const std::unique_ptr<char[]> buffer(new char[read_buffer_size]);
  return {buffer.get(), read_buffer_size};
}

// Starting.

void Transport::start_server(SSL_CTX* tls) {
  stage_ = Stage::handshake;
  if (tls != nullptr) {
    start_tls(tls);
    SSL_set_accept_state(ssl_);
  }
  watch_.start(shard_, fd_);
}

void Transport::start_client(SSL_CTX* tls, const std::string& server_name, bool verify) {
  stage_ = Stage::connecting;
  if (tls != nullptr) {
    start_tls(tls);
    SSL_set_connect_state(ssl_);
    const bool address = is_address(server_name);
    if (!address) SSL_set_tlsext_host_name(ssl_, server_name.c_str());
    SSL_set_verify(ssl_, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (verify && address) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), server_name.c_str());
    if (verify && !address) SSL_set1_host(ssl_, server_name.c_str());
  }
  watch_.start(shard_, fd_);
}

void Transport::start_tls(SSL_CTX* tls) {
  ssl_ = SSL_new(tls);
  BIO* bio = BIO_new(bio_method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_mode(ssl_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_read_ahead(ssl_, 1);  // one recv for a record's head and body, and for as many records as fit
}

void Transport::ready(void* self, bool readable, bool writable) {
  auto& t = *static_cast<Transport*>(self);
  if (readable) t.socket_drained_ = false;
  if (t.stage_ == Stage::connecting) t.continue_connect();
  if (t.stage_ == Stage::handshake) {
    t.continue_handshake();
    if (t.stage_ != Stage::open) return;
    readable = true;  // the handshake's last bytes may have brought some of the stream's
  }
  if (t.stage_ == Stage::open && readable) t.events_.transport_readable();
  // Every event says writable, wanted or not.
  if (t.stage_ != Stage::open || !writable || !t.write_blocked_) return;
  if (t.send_records() != IoState::ok) return;
  t.write_blocked_ = false;
  t.events_.transport_writable();
}

void Transport::continue_connect() {
  int code = 0;
  socklen_t size = sizeof code;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size);
  if (code != 0) {
    error_number_ = code;
    return failed("connecting");
  }
  stage_ = Stage::handshake;
}

void Transport::continue_handshake() {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    const IoState state = result == 1 ? IoState::ok : tls_state(result);
    if (send_records() == IoState::failed || state == IoState::failed || state == IoState::ended)
      return failed("TLS handshake");
    if (state == IoState::blocked) return;
  }
  stage_ = Stage::open;
  events_.transport_open();
}

void Transport::failed(const char* what) {
  if (error_text_.empty() && error_number_ == 0) error_text_ = "the peer closed the connection";
  Error why = error().during(what);
  close();
  events_.transport_failed(std::move(why));
}

// Bytes.

IoResult Transport::read(std::span<char> into) {
  if (stage_ != Stage::open) return {IoState::failed, 0};
  return ssl_ == nullptr ? read_socket(into) : read_tls(into);
}

IoResult Transport::write(std::string_view bytes) {
  if (stage_ != Stage::open) return {IoState::failed, 0};
  const IoResult result = ssl_ == nullptr ? write_socket(bytes) : write_tls(bytes);
  write_blocked_ = result.state == IoState::blocked;
  return result;
}

IoResult Transport::read_socket(std::span<char> into) {
  if (socket_drained_) return {IoState::blocked, 0};
  ssize_t n = 0;
  do n = recv(fd_, into.data(), into.size(), 0);
  while (n < 0 && errno == EINTR);
  if (n == 0) {
    peer_closed_ = true;
    return {IoState::ended, 0};
  }
  if (n < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      socket_drained_ = true;
      return {IoState::blocked, 0};
    }
    error_number_ = errno;
    return {IoState::failed, 0};
  }
  // A short read emptied the socket (epoll(7)), and the next byte brings an event. Where the peer has closed, none
  // comes any more.
  socket_drained_ = static_cast<std::size_t>(n) < into.size() && !watch_.hung_up();
  return {socket_drained_ ? IoState::blocked : IoState::ok, static_cast<std::size_t>(n)};
}

IoResult Transport::write_socket(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<std::size_t>(n);
      bytes_sent_ += static_cast<std::uint64_t>(n);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoState::blocked, sent};
    // A reset is EPIPE where FIN came before it, else ECONNRESET.
    peer_closed_ = peer_closed_ || (errno == EPIPE && !shut_down_);
    socket_drained_ = false;  // what came before the end can be read
    error_number_ = errno;
    return {IoState::failed, 0};
  }
  return {IoState::ok, sent};
}

IoResult Transport::read_tls(std::span<char> into) {
  if (read_failed_) return {IoState::failed, 0};
  std::size_t got = 0;
  while (got < into.size()) {
    std::size_t n = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_, into.data() + got, into.size() - got, &n);
    if (result == 1) {
      got += n;
      continue;
    }
    const IoState state = tls_state(result);
    const bool sent = send_records() != IoState::failed;  // an alert, a key update, or what waited
    if (state != IoState::failed && sent) return {state, got};
    read_failed_ = true;  // what came before is whole: the next read tells
    return {got > 0 ? IoState::ok : IoState::failed, got};
  }
  return {IoState::ok, got};
}

IoResult Transport::write_tls(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    if (!records_.empty()) {
      if (const IoState state = send_records(); state != IoState::ok)
        return {state, state == IoState::failed ? 0 : taken};
    }
    const std::size_t until = std::min(bytes.size(), taken + records_at_once);
    while (taken < until) {
      std::size_t n = 0;
      ERR_clear_error();
      const int result = SSL_write_ex(ssl_, bytes.data() + taken, until - taken, &n);
      if (result != 1) return {tls_state(result), 0};
      taken += n;
    }
    if (const IoState state = send_records(); state != IoState::ok)
      return {state, state == IoState::failed ? 0 : taken};
  }
  return {IoState::ok, taken};
}

// What an unsuccessful OpenSSL call means. A record that cannot be written never shows here: records wait in
// `records_`.
IoState Transport::tls_state(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return IoState::blocked;
    case SSL_ERROR_ZERO_RETURN: return IoState::ended;
    case SSL_ERROR_SYSCALL:
      if (error_number_ == 0) error_text_ = "the connection was closed without a TLS close_notify";
      return IoState::failed;
    default: break;
  }
  const unsigned long code = ERR_peek_error();
  if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    error_text_ =
        fmt::format("certificate not accepted: {}", X509_verify_cert_error_string(SSL_get_verify_result(ssl_)));
    tls_refused_ = true;
  } else if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    error_text_ = "the connection was closed without a TLS close_notify";
  } else {
    const char* reason = ERR_reason_error_string(code);
    error_text_ = fmt::format("TLS: {}", reason != nullptr ? reason : "error without a reason");
    tls_refused_ = true;
  }
  return IoState::failed;
}

IoState Transport::send_records() {
  if (ssl_ == nullptr) return IoState::ok;
  const bool waiting = !records_.empty();
  if (waiting) records_.append(record_buffer);
  const std::string_view all = waiting ? records_ : record_buffer;
  const IoResult sent = all.empty() ? IoResult{IoState::ok, 0} : write_socket(all);
  if (sent.state == IoState::blocked) {
    write_blocked_ = true;
    if (waiting) {
      records_.erase(0, sent.bytes);
    } else {
      records_.assign(all.substr(sent.bytes));
    }
  } else {
    std::string().swap(records_);
  }
  record_buffer.clear();
  if (sent.state == IoState::ok && shut_down_) ::shutdown(fd_, SHUT_WR);
  return sent.state;
}

// OpenSSL's end of the socket: reads go straight to recv, writes collect in `record_buffer`.

int Transport::bio_read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  auto& t = *static_cast<Transport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const IoResult result = t.read_socket({into, size});
  *got = result.bytes;
  if (result.bytes > 0) return 1;
  if (result.state == IoState::blocked) BIO_set_retry_read(bio);
  return 0;
}

int Transport::bio_write(BIO* bio, const char* from, std::size_t size, std::size_t* put) {
  BIO_clear_retry_flags(bio);
  record_buffer.append(from, size);
  *put = size;
  return 1;
}

long Transport::bio_ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* Transport::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "parley");
    BIO_meth_set_read_ex(m, &Transport::bio_read);
    BIO_meth_set_write_ex(m, &Transport::bio_write);
    BIO_meth_set_ctrl(m, &Transport::bio_ctrl);
    return m;
  }();
  return method;
}

// Ending.

void Transport::shut_down() {
  if (stage_ != Stage::open || shut_down_) return;
  shut_down_ = true;
  if (ssl_ == nullptr) {
    ::shutdown(fd_, SHUT_WR);
    return;
  }
  ERR_clear_error();
  SSL_shutdown(ssl_);
  send_records();
}

void Transport::close(bool abort) {
  if (stage_ == Stage::closed) return;
  stage_ = Stage::closed;
  watch_.stop();
  if (abort) {
    const linger none{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  }
  ::close(fd_);
  fd_ = -1;
}

// About the peer.

Error Transport::error() const {
  if (!error_text_.empty())
    return Error(Code::unavailable, blame_, error_text_).with_reason(tls_refused_ ? "tls_refused" : "");
  if (error_number_ != 0) return Error(Code::unavailable, blame_, std::strerror(error_number_));
  return Error(Code::unavailable, blame_, "the connection is closed");
}

std::string_view Transport::alpn() const {
  if (ssl_ == nullptr) return {};
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string Transport::peer_subject() const {
  if (ssl_ == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return {};
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return {};
  std::string name = alternative_name(certificate);
  return name.empty() ? common_name(certificate) : name;
}

std::string Transport::peer_address() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (getpeername(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return fmt::format("[{}]:{}", text.data(), ntohs(v6.sin6_port));
}

}  // namespace parley::net
