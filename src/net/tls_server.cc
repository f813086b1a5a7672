#include "net/tls_server.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>

namespace parley::net {
namespace {

// Offered and chosen in this order (RFC 7301: names with a length byte).
constexpr std::string_view alpn_names = "\x02h2\x08http/1.1";
// TLS 1.2: forward secrecy and AEAD only, which HTTP/2 asks for (RFC 9113 section 9.2.2).
constexpr const char* tls12_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr std::string_view session_id = "parley";

int choose_alpn(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                unsigned int offered_size, void*) {
  unsigned char* out = nullptr;
  const int found = SSL_select_next_proto(&out, size, reinterpret_cast<const unsigned char*>(alpn_names.data()),
                                          static_cast<unsigned int>(alpn_names.size()), offered, offered_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = out;
  return SSL_TLSEXT_ERR_OK;
}

std::unexpected<Error> refused(std::string_view what, const std::string& file) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  Error error(Code::failed_precondition, Blame::us,
              fmt::format("{} {}: {}", what, file, reason != nullptr ? reason : "cannot be read"));
  ERR_clear_error();
  return fail(std::move(error));
}

}  // namespace

Result<std::shared_ptr<SSL_CTX>> OpenSslServerContext::make(const TlsServerConfig& config) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  SSL_CTX* c = context.get();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cipher_list(c, tls12_ciphers);
  SSL_CTX_set_alpn_select_cb(c, choose_alpn, nullptr);
  SSL_CTX_set_session_id_context(c, reinterpret_cast<const unsigned char*>(session_id.data()),
                                 static_cast<unsigned int>(session_id.size()));
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);  // tickets resume; a cache would hold memory
  SSL_CTX_set_num_tickets(c, 1);
  if (SSL_CTX_use_certificate_chain_file(c, config.cert_file.c_str()) != 1)
    return refused("certificate", config.cert_file);
  if (SSL_CTX_use_PrivateKey_file(c, config.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return refused("private key", config.key_file);
  if (SSL_CTX_check_private_key(c) != 1) return refused("private key does not fit the certificate:", config.key_file);
  if (!config.client_ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(c, config.client_ca_file.c_str(), nullptr) != 1) {
      return refused("client certificate authority", config.client_ca_file);
    }
    SSL_CTX_set_client_CA_list(c, SSL_load_client_CA_file(config.client_ca_file.c_str()));
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | (config.require_client_cert ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       nullptr);
  }
  return context;
}

Result<void> OpenSslServerContext::reload() {
  Result<std::shared_ptr<SSL_CTX>> fresh = make(config_);
  if (!fresh) return fail(std::move(fresh).error());
  const std::lock_guard lock(lock_);
  context_ = *std::move(fresh);
  return {};
}

std::shared_ptr<SSL_CTX> OpenSslServerContext::current() const {
  const std::lock_guard lock(lock_);
  return context_;
}

Result<std::shared_ptr<TlsServerContext>> TlsServerContext::load(TlsServerConfig config) {
  Result<std::shared_ptr<SSL_CTX>> context = OpenSslServerContext::make(config);
  if (!context) return fail(std::move(context).error());
  return std::make_shared<OpenSslServerContext>(std::move(config), *std::move(context));
}

}  // namespace parley::net
