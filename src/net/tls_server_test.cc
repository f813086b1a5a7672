// TLS on the server, with a client Transport on the same loop: ALPN, certificates of both sides, reload, and streams
// that break.
#include "net/tls_server.h"

#include <fstream>

#include "net/server_test_peer.h"
#include "net/tls_test_certificates.h"
#include "net/transport.h"

namespace parley::net {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class TlsClient final : public TransportEvents {
 public:
  struct Options {
    std::string alpn = {};  // with length bytes
    std::string cert_file = {};
    std::string key_file = {};
    std::string ca_file = {};
    std::string server_name = "localhost";
    int max_version = TLS1_3_VERSION;
  };

  TlsClient(Shard& shard, std::uint16_t port, const Options& o)
      : shard_(shard), context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_max_proto_version(context_.get(), o.max_version);
    SSL_CTX_set_alpn_protos(context_.get(), reinterpret_cast<const unsigned char*>(o.alpn.data()),
                            static_cast<unsigned>(o.alpn.size()));
    if (!o.cert_file.empty()) {
      SSL_CTX_use_certificate_chain_file(context_.get(), o.cert_file.c_str());
      SSL_CTX_use_PrivateKey_file(context_.get(), o.key_file.c_str(), SSL_FILETYPE_PEM);
    }
    if (!o.ca_file.empty()) SSL_CTX_load_verify_locations(context_.get(), o.ca_file.c_str(), nullptr);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    [[maybe_unused]] const int started = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    transport.emplace(shard_, fd, *this, Blame::upstream);
    transport->start_client(context_.get(), o.server_name, !o.ca_file.empty());
  }

  void send(std::string_view bytes) {
    unsent.append(bytes);
    transport_writable();
  }
  void wait_for(std::string_view text) {
    shard_.run_until([&] { return over() || received.find(text) != std::string::npos; });
  }
  void wait_open() {
    shard_.run_until([&] { return over() || open; });
  }
  void wait_over() {
    shard_.run_until([&] { return over(); });
  }
  bool over() const { return ended || !failure.empty(); }

  std::optional<Transport> transport;
  std::string received;
  std::string unsent;
  std::string failure;
  bool open = false;
  bool ended = false;  // in order

 private:
  void transport_open() override { open = true; }
  void transport_readable() override {
    for (;;) {
      const auto buffer = Transport::read_buffer();
      const IoResult result = transport->read(buffer);
      received.append(buffer.data(), result.bytes);
      if (result.state == IoState::ended) ended = true;
      if (result.state == IoState::failed) failure = transport->error().message();
      if (result.state != IoState::ok) return;
    }
  }
  void transport_writable() override {
    if (unsent.empty()) return;
    const IoResult result = transport->write(unsent);
    unsent.erase(0, result.bytes);
  }
  void transport_failed(Error why) override { failure = why.message(); }

  Shard& shard_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
};

class TlsServer : public ServerTest {
 protected:
  TlsServer() {
    make_certificate(folder.file("server.pem"), folder.file("server.key"), "server", "DNS:localhost,IP:127.0.0.1");
    make_certificate(folder.file("client.pem"), folder.file("client.key"), "client",
                     "URI:spiffe://shop/orders,DNS:orders");
    make_certificate(folder.file("plain.pem"), folder.file("plain.key"), "only a name", "");
    answers.paths["/who"] = [](Answers&, ServerExchange& exchange) -> Task<void> {
      exchange.respond({.status = 200, .fields = {}});
      exchange.response_body().push(
          Bytes(fmt::format("tls={} version={} scheme={} subject={}", exchange.peer().tls, exchange.peer().http_version,
                            exchange.request().scheme, exchange.peer().subject)));
      exchange.finish();
      co_return;
    };
  }
  TlsServerConfig config() const {
    return {.cert_file = folder.file("server.pem"), .key_file = folder.file("server.key"), .client_ca_file = ""};
  }
  void listen_tls(const TlsServerConfig& c, ServerLimits limits = patient) {
    auto loaded = TlsServerContext::load(c);
    ASSERT_TRUE(loaded) << loaded.error().text();
    tls = *loaded;
    auto made = Server::listen(shard, {.address = "127.0.0.1:0", .reuse_port = true, .tls = tls}, limits, answers);
    ASSERT_TRUE(made) << made.error().text();
    server = *std::move(made);
  }
  std::unique_ptr<TlsClient> connect(const TlsClient::Options& o) {
    return std::make_unique<TlsClient>(shard, server->port(), o);
  }

  TestFolder folder;
  std::shared_ptr<TlsServerContext> tls;
};

TEST_F(TlsServer, alpn_chooses_the_protocol) {
  listen_tls(config());
  struct Case {
    const char* name;
    std::string offered;
    std::string chosen;
    std::string failure;
  };
  const Case cases[] = {
      {"both", "\x08http/1.1\x02h2", "h2", ""},
      {"HTTP/1.1 only", "\x08http/1.1", "http/1.1", ""},
      {"none: the first bytes tell", "", "", ""},
      {"one that is not spoken", "\x06spdy/1", "", "no application protocol"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto client = connect({.alpn = c.offered, .ca_file = folder.file("server.pem")});
    client->wait_open();
    EXPECT_THAT(client->failure, HasSubstr(c.failure));
    if (!c.failure.empty()) continue;
    EXPECT_EQ(client->transport->alpn(), c.chosen);
    if (c.chosen == "h2") {
      client->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      client->send(std::string_view("\0\0\0\4\0\0\0\0\0", 9));
      client->wait_for(std::string_view("\0\0\0\4\1", 5));  // SETTINGS acknowledged
      EXPECT_FALSE(client->over());
    } else {
      client->send("GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n");
      client->wait_for("subject=");
      EXPECT_THAT(client->received, HasSubstr("tls=true version=11 scheme=https"));
    }
  }
}

TEST_F(TlsServer, old_protocol_versions_are_refused) {
  listen_tls(config());
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    const auto client = connect({.max_version = version});
    client->wait_over();
    EXPECT_THAT(client->failure, StartsWith("TLS handshake"));
  }
  const auto client = connect({.max_version = TLS1_2_VERSION});
  client->wait_open();
  EXPECT_TRUE(client->open);
}

TEST_F(TlsServer, clients_certificate_names_the_peer) {
  TlsServerConfig c = config();
  {
    // Either client is its own authority.
    std::ofstream both(folder.file("ca.pem"));
    both << std::ifstream(folder.file("client.pem")).rdbuf() << std::ifstream(folder.file("plain.pem")).rdbuf();
  }
  c.client_ca_file = folder.file("ca.pem");
  c.require_client_cert = true;
  listen_tls(c);
  struct Case {
    const char* name;
    std::string cert;
    std::string subject;  // "" where the handshake fails
  };
  const Case cases[] = {{"a URI name", "client", "spiffe://shop/orders"},
                        {"a common name", "plain", "only a name"},
                        {"none", "", ""},
                        {"one that nobody signed", "server", ""}};
  for (const Case& k : cases) {
    SCOPED_TRACE(k.name);
    TlsClient::Options options{.ca_file = folder.file("server.pem")};
    if (!k.cert.empty()) {
      options.cert_file = folder.file(k.cert + ".pem");
      options.key_file = folder.file(k.cert + ".key");
    }
    const auto client = connect(options);
    client->wait_open();
    client->send("GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client->wait_for("subject=");
    if (k.subject.empty()) {
      EXPECT_THAT(client->failure, HasSubstr("TLS"));
    } else {
      EXPECT_THAT(client->received, HasSubstr("subject=" + k.subject));
    }
  }
}

TEST_F(TlsServer, client_checks_the_servers_certificate) {
  listen_tls(config());
  const auto stranger = connect({.ca_file = folder.file("client.pem")});
  stranger->wait_over();
  EXPECT_THAT(stranger->failure, HasSubstr("certificate not accepted"));
  const auto misnamed = connect({.ca_file = folder.file("server.pem"), .server_name = "elsewhere"});
  misnamed->wait_over();
  EXPECT_THAT(misnamed->failure, HasSubstr("hostname mismatch"));
  const auto by_address = connect({.ca_file = folder.file("server.pem"), .server_name = "127.0.0.1"});
  by_address->wait_open();
  EXPECT_EQ(by_address->failure, "");
}

TEST_F(TlsServer, reload_serves_the_new_certificate_and_keeps_the_old_one_on_errors) {
  listen_tls(config());
  const auto reaches = [&] {
    const auto client = connect({.ca_file = folder.file("server.pem")});
    client->wait_open();
    return client->open;
  };
  EXPECT_TRUE(reaches());
  make_certificate(folder.file("server.pem"), folder.file("server.key"), "server", "DNS:localhost");
  EXPECT_FALSE(reaches());  // the client trusts the new one only
  ASSERT_TRUE(tls->reload());
  EXPECT_TRUE(reaches());
  std::filesystem::copy_file(folder.file("client.key"), folder.file("server.key"),
                             std::filesystem::copy_options::overwrite_existing);
  const Result<void> broken = tls->reload();
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message(), HasSubstr("server.key"));
  EXPECT_TRUE(reaches());
}

TEST_F(TlsServer, load_says_which_file_is_wrong) {
  TlsServerConfig missing = config();
  missing.cert_file = folder.file("absent.pem");
  TlsServerConfig not_a_key = config();
  not_a_key.key_file = folder.file("server.pem");
  TlsServerConfig no_ca = config();
  no_ca.client_ca_file = folder.file("absent-ca.pem");
  for (const auto& [c, word] :
       {std::pair{missing, "absent.pem"}, {not_a_key, "server.pem"}, {no_ca, "absent-ca.pem"}}) {
    const auto loaded = TlsServerContext::load(c);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code(), Code::failed_precondition);
    EXPECT_THAT(loaded.error().message(), HasSubstr(word));
  }
}

TEST_F(TlsServer, plain_text_and_silence_are_closed) {
  listen_tls(config(), {.header_timeout = seconds(4)});
  shard.use_fake_time();
  Client plain = client();
  plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  plain.wait_closed();
  EXPECT_THAT(plain.received, testing::Not(HasSubstr("HTTP/1.1 200")));
  Client silent = client();
  run_until([&] { return server->connection_count() == 1; });
  pass(seconds(8));
  silent.wait_closed();
}

TEST_F(TlsServer, large_bodies_pass_both_ways_and_the_end_is_in_order) {
  listen_tls(config());
  const auto client = connect({.ca_file = folder.file("server.pem")});
  client->wait_open();
  const std::string body(3'000'000, 'b');
  client->send(
      fmt::format("POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.size()));
  client->send(body);
  client->wait_over();
  EXPECT_TRUE(client->ended) << client->failure;  // close_notify: nothing is missing
  const std::size_t got = static_cast<std::size_t>(std::count(client->received.begin(), client->received.end(), 'b'));
  EXPECT_GE(got, body.size());
}

TEST_F(TlsServer, client_that_vanishes_breaks_the_exchange) {
  listen_tls(config());
  const auto client = connect({.ca_file = folder.file("server.pem")});
  client->wait_open();
  client->send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  run_until([&] { return answers.running == 1; });
  client->transport->close(true);
  run_until([&] { return answers.running == 0; });
  EXPECT_THAT(answers.broken, ElementsAre("client_gone"));
}

}  // namespace
}  // namespace parley::net
