// The server's TLS context over OpenSSL. Shared by all shards; `reload` may come from any thread, so the context in
// force is handed out as a shared pointer under a lock (once a connection).
#pragma once

#include <memory>
#include <mutex>

#include <openssl/ssl.h>

#include "net/server.h"

namespace parley::net {

class OpenSslServerContext final : public TlsServerContext {
 public:
  OpenSslServerContext(TlsServerConfig config, std::shared_ptr<SSL_CTX> context)
      : config_(std::move(config)), context_(std::move(context)) {}
  Result<void> reload() override;
  std::shared_ptr<SSL_CTX> current() const;

  // TLS 1.2 and 1.3, ALPN "h2" before "http/1.1". Errors: failed_precondition: names the file and what is wrong with
  // it.
  static Result<std::shared_ptr<SSL_CTX>> make(const TlsServerConfig& config);

 private:
  const TlsServerConfig config_;
  mutable std::mutex lock_;
  std::shared_ptr<SSL_CTX> context_;
};

}  // namespace parley::net
