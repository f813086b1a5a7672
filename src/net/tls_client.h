// TLS towards upstreams: contexts made from a TlsClientConfig, each once a shard.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "base/error.h"
#include "net/client_pool.h"

namespace parley::net {

class TlsClientContexts {
 public:
  // TLS 1.2 and up, ALPN "h2" where `http2`, else "h2" and "http/1.1". Owned by this object, until the next call. Files
  // that have changed are read again; while they cannot be used, what was read before stays.
  // Errors: unavailable, our fault (reason "tls_config"): a file that cannot be read, a key that does not fit; the
  // message names it.
  Result<SSL_CTX*> get(const TlsClientConfig& config, bool http2);

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  struct Loaded {
    std::unique_ptr<SSL_CTX, Free> context;
    std::string files;  // sizes and times of what it was read from, or was last tried to be read from
  };
  static Result<std::unique_ptr<SSL_CTX, Free>> make(const TlsClientConfig& config, bool http2);
  std::map<std::string, Loaded> contexts_;
};

}  // namespace parley::net
