#include "net/tls_client.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <sys/stat.h>

#include "base/log.h"

namespace parley::net {
namespace {

// Length-prefixed names (RFC 7301 section 3.1).
constexpr unsigned char alpn_h2[] = {2, 'h', '2'};
constexpr unsigned char alpn_both[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

std::unexpected<Error> bad_config(std::string_view what, std::string_view file) {
  char reason[256] = "";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  return fail(
      Error(Code::unavailable, Blame::us, fmt::format("{} {}: {}", what, file, reason)).with_reason("tls_config"));
}

Result<void> load_files(SSL_CTX* context, const TlsClientConfig& config) {
  if (config.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, config.ca_file.c_str(), nullptr) != 1) {
    return bad_config("reading the CA certificates in", config.ca_file);
  }
  if (config.cert_file.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, config.cert_file.c_str()) != 1) {
    return bad_config("reading the client certificate in", config.cert_file);
  }
  const std::string& key_file = config.key_file.empty() ? config.cert_file : config.key_file;
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return bad_config("reading the client's key in", key_file);
  }
  if (SSL_CTX_check_private_key(context) != 1)
    return bad_config("the client certificate does not fit the key in", key_file);
  return {};
}

// Of the files, what tells that they have changed.
std::string state_of(const TlsClientConfig& config) {
  std::string state;
  for (const std::string* file : {&config.ca_file, &config.cert_file, &config.key_file}) {
    struct stat s{};
    if (file->empty() || stat(file->c_str(), &s) != 0) continue;
    state += fmt::format("{} {} {}.{} {}|", s.st_dev, s.st_ino, s.st_mtim.tv_sec, s.st_mtim.tv_nsec, s.st_size);
  }
  return state;
}

}  // namespace

Result<SSL_CTX*> TlsClientContexts::get(const TlsClientConfig& config, bool http2) {
  const std::string key =
      fmt::format("{}\n{}\n{}\n{}\n{}", config.ca_file, config.cert_file, config.key_file, config.verify, http2);
  const auto known = contexts_.find(key);
  const std::string files = state_of(config);
  if (known != contexts_.end() && known->second.files == files) return known->second.context.get();
  auto made = make(config, http2);
  if (known == contexts_.end()) {
    if (!made) return fail(std::move(made).error());
    return contexts_.emplace(key, Loaded{std::move(*made), files}).first->second.context.get();
  }
  known->second.files = files;
  if (made) {
    known->second.context = std::move(*made);
  } else {
    log::error("{}; keeping what was read before", made.error().message());
  }
  return known->second.context.get();
}

Result<std::unique_ptr<SSL_CTX, TlsClientContexts::Free>> TlsClientContexts::make(const TlsClientConfig& config,
                                                                                  bool http2) {
  std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context.get(), config.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (http2) {
    SSL_CTX_set_alpn_protos(context.get(), alpn_h2, sizeof alpn_h2);
  } else {
    SSL_CTX_set_alpn_protos(context.get(), alpn_both, sizeof alpn_both);
  }
  if (Result<void> loaded = load_files(context.get(), config); !loaded) return fail(std::move(loaded).error());
  return context;
}

}  // namespace parley::net
