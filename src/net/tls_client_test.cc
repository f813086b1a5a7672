// The pool over TLS, against our own server.
#include "net/tls_client.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "loop/shard.h"
#include "loop/task_group.h"
#include "net/client_origin.h"
#include "net/client_pool.h"
#include "net/fake_upstream.h"
#include "net/server.h"
#include "net/test_certificates.h"

namespace parley::net {
namespace {

// Says how it was reached and by whom.
class Mirror final : public ExchangeHandler {
 public:
  Task<void> serve(ServerExchange& exchange) override {
    const Peer& peer = exchange.peer();
    exchange.respond(ResponseHead{.status = 200, .fields = {}});
    exchange.response_body().push(
        Bytes("http/" + std::to_string(peer.http_version) + " " + exchange.request().scheme + " " + peer.subject));
    exchange.finish();
    co_return;
  }
};

struct Rig {
  Shard shard;
  TestCertificates authority;
  TestCertificates other_authority;
  TestCertificates::Files server_files = authority.issue("server", "DNS:shop.test,DNS:localhost,IP:127.0.0.1");
  TestCertificates::Files client_files = authority.issue("client", "URI:spiffe://shop/orders");
  Mirror mirror;
  std::unique_ptr<Server> server;

  void listen(bool ask_client) {
    TlsServerConfig config{.cert_file = server_files.cert,
                           .key_file = server_files.key,
                           .client_ca_file = "",
                           .require_client_cert = ask_client};
    if (ask_client) config.client_ca_file = authority.ca_file();
    auto tls = TlsServerContext::load(config);
    ASSERT_TRUE(tls.has_value()) << tls.error().text();
    auto listening =
        Server::listen(shard, ListenConfig{.address = "127.0.0.1:0", .reuse_port = false, .tls = *tls}, {}, mirror);
    ASSERT_TRUE(listening.has_value()) << listening.error().text();
    server = std::move(*listening);
  }
  Origin origin() const {
    Origin origin;
    origin.host = "127.0.0.1";
    origin.port = server->port();
    origin.tls = true;
    origin.http2 = true;
    origin.tls_config.ca_file = authority.ca_file();
    return origin;
  }
};

Task<std::string> fetch(ClientPool& pool, Origin origin) {
  RequestHead head;
  head.method = "GET";
  head.target = "/";
  auto exchange = co_await pool.open(origin, std::move(head), false, Deadline::never());
  if (!exchange) co_return exchange.error().text();
  const auto response = co_await (*exchange)->head();
  if (!response) co_return response.error().text();
  std::string out;
  while (auto chunk = co_await (*exchange)->body().read()) {
    if (!*chunk) break;
    out += (*chunk)->view();
  }
  co_return out;
}

TEST(TlsClient, WhoIsTrusted) {
  struct Case {
    std::string_view name;
    std::function<void(Rig&, Origin&)> with;
    std::string_view expect;
    bool ask_client = false;
  };
  const Case cases[] = {
      {"by address", [](Rig&, Origin&) {}, "http/20 https "},
      {"by name", [](Rig&, Origin& o) { o.host = "localhost"; }, "http/20 https "},
      {"by a name that is given", [](Rig&, Origin& o) { o.tls_config.server_name = "shop.test"; }, "http/20 https "},
      {"HTTP/2 by ALPN where both are offered", [](Rig&, Origin& o) { o.http2 = false; }, "http/20 https "},
      {"another name", [](Rig&, Origin& o) { o.tls_config.server_name = "evil.test"; },
       "UNAVAILABLE (upstream_tls_failed)"},
      {"another authority", [](Rig& r, Origin& o) { o.tls_config.ca_file = r.other_authority.ca_file(); },
       "UNAVAILABLE (upstream_tls_failed)"},
      {"nobody is asked",
       [](Rig& r, Origin& o) {
         o.tls_config.ca_file = r.other_authority.ca_file();
         o.tls_config.verify = false;
       },
       "http/20 https "},
      {"no such file", [](Rig&, Origin& o) { o.tls_config.ca_file = "/nowhere.pem"; },
       "UNAVAILABLE (tls_config): reading the CA certificates in /nowhere.pem"},
      {"a key that does not fit",
       [](Rig& r, Origin& o) {
         o.tls_config.cert_file = r.client_files.cert;
         o.tls_config.key_file = r.server_files.key;
       },
       "UNAVAILABLE (tls_config)"},
      {"a client certificate",
       [](Rig& r, Origin& o) {
         o.tls_config.cert_file = r.client_files.cert;
         o.tls_config.key_file = r.client_files.key;
       },
       "http/20 https spiffe://shop/orders", true},
      {"no client certificate where one is asked for", [](Rig&, Origin&) {}, "UNAVAILABLE (upstream_tls_failed)", true},
  };
  for (const Case& c : cases) {
    Rig rig;
    rig.listen(c.ask_client);
    Origin origin = rig.origin();
    c.with(rig, origin);
    {
      ClientPool pool(rig.shard, {.connect_timeout = std::chrono::hours(1), .dns_servers = {}});
      const std::string got = run_blocking(rig.shard, fetch(pool, origin));
      EXPECT_TRUE(got.starts_with(c.expect)) << c.name << ": " << got;
    }
    run_blocking(rig.shard, rig.server->drain(Deadline::after(Clock::now(), std::chrono::seconds(1))));
  }
}

// Certificates of services live for days or hours: what is renewed on the disk is shown by the next connection, and
// what is half-written keeps the one that was there.
TEST(TlsClient, ARenewedClientCertificateIsShown) {
  namespace fs = std::filesystem;
  Rig rig;
  rig.listen(true);
  const auto renewed = rig.authority.issue("renewed", "URI:spiffe://shop/renewed");
  Origin origin = rig.origin();
  origin.tls_config.cert_file = rig.client_files.cert + ".shown";
  origin.tls_config.key_file = rig.client_files.key + ".shown";
  const auto put = [&](const std::string& from, const std::string& to, std::chrono::seconds later) {
    fs::copy_file(from, to, fs::copy_options::overwrite_existing);
    fs::last_write_time(to, fs::last_write_time(to) + later);
  };
  put(rig.client_files.cert, origin.tls_config.cert_file, std::chrono::seconds(0));
  put(rig.client_files.key, origin.tls_config.key_file, std::chrono::seconds(0));
  {
    ClientPool pool(rig.shard, {.connect_timeout = std::chrono::hours(1), .dns_servers = {}});
    const auto asked = [&] {
      const std::string got = run_blocking(rig.shard, fetch(pool, origin));
      pool.at(origin).abandon(Error(Code::unavailable, Blame::us, "the test wants another connection"));
      return got;
    };
    EXPECT_EQ(asked(), "http/20 https spiffe://shop/orders");
    put(renewed.cert, origin.tls_config.cert_file, std::chrono::seconds(1));  // its key is still to come
    EXPECT_EQ(asked(), "http/20 https spiffe://shop/orders");
    put(renewed.key, origin.tls_config.key_file, std::chrono::seconds(1));
    EXPECT_EQ(asked(), "http/20 https spiffe://shop/renewed");
  }
  run_blocking(rig.shard, rig.server->drain(Deadline::after(Clock::now(), std::chrono::seconds(1))));
}

// Accepts one connection, takes what comes first for the request, answers, and closes without a TLS close_notify, as
// many servers do.
void answer_and_cut_off(int listener, const TestCertificates::Files& files, std::string_view answer,
                        std::atomic<bool>& asked, std::atomic<bool>& may_go) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  SSL_CTX_use_certificate_chain_file(context.get(), files.cert.c_str());
  SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM);
  const int fd = accept(listener, nullptr, nullptr);
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), &SSL_free);
  SSL_set_fd(tls.get(), fd);
  SSL_accept(tls.get());
  char request[4096];
  SSL_read(tls.get(), request, sizeof request);
  asked = true;
  while (!may_go) std::this_thread::yield();
  SSL_write(tls.get(), answer.data(), static_cast<int>(answer.size()));
  close(fd);
}

TEST(TlsClient, AWholeAnswerIsTakenWhereTheConnectionWasCutOffBehindIt) {
  Rig rig;
  Origin origin;
  origin.host = "127.0.0.1";
  origin.tls = true;
  origin.tls_config.ca_file = rig.authority.ca_file();
  const int listener = listen_on_loopback(origin.port);
  fcntl(listener, F_SETFL, 0);
  std::atomic<bool> asked = false;
  std::atomic<bool> may_go = false;
  std::thread server([&] {
    answer_and_cut_off(listener, rig.server_files, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole", asked, may_go);
  });
  ClientPool pool(rig.shard, {.connect_timeout = std::chrono::hours(1), .dns_servers = {}});
  std::string got;
  TaskGroup group;
  group.spawn(
      [](ClientPool& p, Origin o, std::string& out) -> Task<void> { out = co_await fetch(p, o); }(pool, origin, got));
  const auto look = [](void* self) { static_cast<Shard*>(self)->post([] {}); };
  while (!asked) {
    Timer again(look, &rig.shard);
    again.set(rig.shard.timers(), Deadline::after(rig.shard.now(), std::chrono::milliseconds(5)));
    int turns = 0;
    rig.shard.run_until([&] { return asked || turns++ > 0; });
  }
  may_go = true;
  server.join();  // answer and end are there before either is read
  run_blocking(rig.shard, group.join());
  EXPECT_EQ(got, "whole");
  close(listener);
}

TEST(TlsClient, AnOriginsKeyKeepsDifferentTrustApart) {
  Origin a;
  a.host = "h";
  a.tls = true;
  Origin b = a;
  EXPECT_EQ(a.key(), b.key());
  b.tls_config.verify = false;
  EXPECT_NE(a.key(), b.key());
  b = a;
  b.tls_config.cert_file = "c";
  EXPECT_NE(a.key(), b.key());
  b = a;
  b.http2 = true;
  EXPECT_NE(a.key(), b.key());
}

}  // namespace
}  // namespace parley::net
