// Calls and batches against a service that answers as each case says.
#include "queue/sqs/client.h"

#include <deque>

#include <gtest/gtest.h>

#include "loop/task_group.h"
#include "net/server.h"
#include "net/test_certificates.h"
#include "net/tls_server.h"
#include "queue/sqs/batcher.h"
#include "queue/sqs/fault.h"

namespace parley::queue::sqs {
namespace {

using std::chrono::milliseconds;

struct Answer {
  int status = 200;
  std::string body = {};
  bool never = false;  // answers nothing
};

// Gives the answers in turn, the last one for ever.
class Service final : public net::ExchangeHandler {
 public:
  Task<void> serve(net::ServerExchange& exchange) override {
    std::string body;
    for (;;) {
      auto chunk = co_await exchange.body().read();
      if (!chunk) co_return;
      if (!*chunk) break;
      body += (*chunk)->view();
    }
    requests.push_back(std::string(exchange.request().fields.get("x-amz-target")) + " " + body);
    signatures += exchange.request().fields.has("authorization") ? 1 : 0;
    const Answer answer = answers.front();
    if (answers.size() > 1) answers.pop_front();
    while (answer.never && !exchange.broken()) co_await Shard::current().sleep(milliseconds(5));
    if (answer.never) co_return;
    exchange.respond({.status = answer.status, .fields = {{"content-type", "application/x-amz-json-1.0"}}});
    exchange.response_body().push(Bytes(answer.body));
    exchange.finish();
  }
  std::deque<Answer> answers;
  std::vector<std::string> requests;
  int signatures = 0;
};

struct Rig {
  Shard shard;
  Service service;
  std::unique_ptr<net::Server> server;
  WallClock clock;
  Settings settings;
  std::unique_ptr<Client> client;
  TaskGroup tasks;

  explicit Rig(std::deque<Answer> answers) {
    service.answers = std::move(answers);
    server = *net::Server::listen(shard, {.address = "127.0.0.1:0", .reuse_port = false, .tls = nullptr}, {}, service);
    settings.origin.host = "127.0.0.1";
    settings.origin.port = server->port();
    settings.region = "r";
    settings.credentials = {.key_id = "AKID", .secret = "hush", .session_token = ""};
    settings.back_off = milliseconds(1);
    settings.answer_time = std::chrono::seconds(60);
    client = std::make_unique<Client>(shard, settings, clock);
  }
  ~Rig() {
    client->close();
    run_blocking(shard, tasks.join());
    run_blocking(shard, server->drain(Deadline::after(shard.now(), milliseconds(100))));
  }
  Result<std::string> call(std::optional<Duration> patience = {}) {
    return run_blocking(shard, client->call("SendMessage", "{}", patience));
  }
};

Answer fault_answer(int status, std::string_view type) {
  return {.status = status, .body = std::string(R"({"__type":")") + std::string(type) + R"(","message":"so it is"})"};
}

TEST(Client, SignsAndAsks) {
  Rig rig({{.body = R"({"MessageId":"1"})"}});
  EXPECT_EQ(rig.call().value(), R"({"MessageId":"1"})");
  EXPECT_EQ(rig.service.requests, std::vector<std::string>{"AmazonSQS.SendMessage {}"});
  EXPECT_EQ(rig.service.signatures, 1);
}

TEST(Client, WhatMayPassIsAskedAgain) {
  const Answer passing[] = {
      {.status = 503},
      {.status = 500, .body = "<html>"},
      {.status = 429},
      fault_answer(400, "com.amazonaws.sqs#RequestThrottled"),
      fault_answer(400, "com.amazonaws.sqs#ThrottlingException"),
      fault_answer(500, "InternalFailure"),
  };
  for (const Answer& first : passing) {
    Rig rig({first, first, {.body = "{}"}});
    EXPECT_TRUE(rig.call().has_value()) << first.status << first.body;
    EXPECT_EQ(rig.service.requests.size(), 3U);
  }
}

TEST(Client, ThreeAttemptsAreAll) {
  Rig rig({{.status = 503}});
  const Result<std::string> got = rig.call();
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().text(), "UNAVAILABLE (sqs_error): SendMessage: SQS: HTTP 503");
  EXPECT_EQ(rig.service.requests.size(), 3U);
}

TEST(Client, AServiceInTroubleIsNotAskedThreeTimesAsMuch) {
  Rig rig({{.status = 503}});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(rig.call().has_value());
  EXPECT_EQ(rig.service.requests.size(), 200U) << "500 of budget at 5 a retry";
}

TEST(Client, TroubleThatIsOverIsForgotten) {
  Rig rig({{.status = 503}});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(rig.call().has_value());
  rig.service.answers = {{.body = "{}"}};
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(rig.call().has_value());
  rig.service.answers = {{.status = 503}, {.status = 503}, {.body = "{}"}};
  EXPECT_TRUE(rig.call().has_value()) << "three attempts again";
  // And one hiccup a minute is none.
  for (int i = 0; i < 500; ++i) {
    rig.service.answers = {{.status = 503}, {.body = "{}"}};
    ASSERT_TRUE(rig.call().has_value()) << i;
  }
}

TEST(Client, Faults) {
  struct Case {
    int status;
    std::string_view type;
    std::string_view expect;
  };
  const Case cases[] = {
      {400, "com.amazonaws.sqs#QueueDoesNotExist", "NOT_FOUND (no_such_queue)"},
      {400, "AWS.SimpleQueueService.NonExistentQueue", "NOT_FOUND (no_such_queue)"},
      {400, "com.amazonaws.sqs#ReceiptHandleIsInvalid", "FAILED_PRECONDITION (lease_lost)"},
      {400, "com.amazonaws.sqs#MessageNotInflight", "FAILED_PRECONDITION (lease_lost)"},
      {403, "com.amazonaws.sqs#OverLimit", "RESOURCE_EXHAUSTED (too_many_in_flight)"},
      {403, "AccessDeniedException", "PERMISSION_DENIED (sqs_access_denied)"},
      {403, "", "PERMISSION_DENIED (sqs_access_denied)"},
      {403, "SignatureDoesNotMatch", "UNAUTHENTICATED (sqs_credentials)"},
      {400, "com.amazonaws.sqs#InvalidAddress", "INTERNAL (sqs_refused)"},
      {400, "", "INTERNAL (sqs_refused)"},
  };
  for (const Case& c : cases) {
    Rig rig({fault_answer(c.status, c.type)});
    const Result<std::string> got = rig.call();
    ASSERT_FALSE(got.has_value()) << c.type;
    EXPECT_TRUE(got.error().text().starts_with(c.expect)) << got.error().text();
    EXPECT_NE(got.error().message().find("so it is"), std::string::npos);
    EXPECT_EQ(rig.service.requests.size(), 1U) << c.type;
  }
}

TEST(Client, SilenceEnds) {
  Rig rig({{.never = true}});
  const Result<std::string> got = rig.call(milliseconds(20));
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code(), Code::deadline_exceeded);
  // Three attempts; one that stopped for longer than its time on the way is not among them.
  EXPECT_GE(rig.service.requests.size(), 1U);
  EXPECT_LE(rig.service.requests.size(), 3U);
}

Task<void> call_into(Client& client, std::optional<Result<std::string>>& out) {
  out = co_await client.call("ReceiveMessage", "{}", std::chrono::seconds(60));
}

TEST(Client, ClosingEndsWhatIsInFlight) {
  Rig rig({{.never = true}});
  std::optional<Result<std::string>> out;
  rig.tasks.spawn(call_into(*rig.client, out));
  rig.shard.run_until([&] { return !rig.service.requests.empty(); });
  rig.client->close();
  rig.shard.run_until([&] { return out.has_value(); });
  EXPECT_EQ(out->error().reason(), "closing");
  EXPECT_EQ(rig.call().error().reason(), "closing");
}

TEST(Client, OverTlsWithTheAuthorityOfTheAddress) {
  Shard shard;
  Service service;
  service.answers = {{.body = "{}"}};
  const net::TestCertificates authority;
  const net::TestCertificates::Files files = authority.issue("server", "IP:127.0.0.1");
  const auto tls = net::TlsServerContext::load(
      {.cert_file = files.cert, .key_file = files.key, .client_ca_file = "", .require_client_cert = false});
  ASSERT_TRUE(tls.has_value()) << tls.error().text();
  auto server = net::Server::listen(shard, {.address = "127.0.0.1:0", .reuse_port = false, .tls = *tls}, {}, service);
  ASSERT_TRUE(server.has_value());
  const auto ask = [&](const std::string& more) {
    const Result<Settings> settings = parse_settings(
        "sqs://127.0.0.1:" + std::to_string((*server)->port()) + "?region=r" + more,
        [](std::string_view name) { return std::optional<std::string>(name.starts_with("AWS_") ? "x" : ""); });
    const WallClock clock;
    Client client(shard, *settings, clock);
    const Result<std::string> got = run_blocking(shard, client.call("ListQueues", "{}"));
    client.close();
    return got ? *got : got.error().text();
  };
  EXPECT_EQ(ask("&ca=" + authority.ca_file()), "{}");
  EXPECT_EQ(service.signatures, 1);
  EXPECT_TRUE(ask("").starts_with("UNAVAILABLE (upstream_tls_failed)")) << ask("");
  EXPECT_EQ(service.requests.size(), 1U);
  run_blocking(shard, (*server)->drain(Deadline::after(shard.now(), milliseconds(100))));
}

// ---- batches

Task<void> add_into(Batcher& batcher, std::string members, std::string group, std::string& out) {
  const Result<std::string> got = co_await batcher.add(std::move(members), 10, std::move(group));
  out = got ? *got : got.error().text();
}

std::string sent(std::initializer_list<int> ids) {
  std::string out = R"({"Successful":[)";
  for (const int id : ids) {
    if (out.back() != '[') out += ',';
    out += R"({"Id":")" + std::to_string(id) + R"(","MessageId":"m)" + std::to_string(id) + R"("})";
  }
  return out + "]}";
}

struct BatchRig : Rig {
  using Rig::Rig;
  Batcher batcher{shard, *client, tasks, "SendMessageBatch", "http://q", {.bytes = 100, .in_flight = 16}};
  std::deque<std::string> outs;

  void add(std::string group = {}) {
    outs.emplace_back();
    tasks.spawn(add_into(batcher, R"("MessageBody":"b")", std::move(group), outs.back()));
  }
  void finish() { run_blocking(shard, tasks.join()); }
};

TEST(Batcher, ATurnsEntriesGoTogether) {
  BatchRig rig({{.body = sent({0, 1, 2})}});
  for (int i = 0; i < 3; ++i) rig.add();
  rig.finish();
  EXPECT_EQ(rig.outs, (std::deque<std::string>{"m0", "m1", "m2"}));
  EXPECT_EQ(rig.service.requests,
            std::vector<std::string>{R"(AmazonSQS.SendMessageBatch {"QueueUrl":"http://q","Entries":[)"
                                     R"({"Id":"0","MessageBody":"b"},{"Id":"1","MessageBody":"b"},)"
                                     R"({"Id":"2","MessageBody":"b"}]})"});
}

TEST(Batcher, TenAndSoManyBytesAreABatch) {
  BatchRig rig({{.body = sent({0, 1, 2, 3, 4, 5, 6, 7, 8, 9})}});
  for (int i = 0; i < 25; ++i) rig.add();
  rig.finish();
  EXPECT_EQ(rig.service.requests.size(), 3U);
}

TEST(Batcher, PartsMayFail) {
  BatchRig rig({{.body = R"({"Successful":[{"Id":"0","MessageId":"m0"}],"Failed":[)"
                         R"({"Id":"1","Code":"AccessDenied","Message":"no","SenderFault":true},)"
                         R"({"Id":"2","Code":"InternalError","SenderFault":false}]})"},
                {.body = sent({0})}});
  for (int i = 0; i < 4; ++i) rig.add();
  rig.finish();
  EXPECT_EQ(rig.outs[0], "m0");
  EXPECT_EQ(rig.outs[1], "PERMISSION_DENIED (sqs_access_denied): SQS: AccessDenied: no");
  EXPECT_EQ(rig.outs[2], "m0") << "sent again, alone";
  EXPECT_EQ(rig.outs[3], "INTERNAL: SQS: an answer without this entry");
  EXPECT_EQ(rig.service.requests.size(), 2U);
}

TEST(Batcher, AnEntryIsGivenUpAfterThreeAttempts) {
  BatchRig rig({{.body = R"({"Failed":[{"Id":"0","Code":"ThrottlingException","SenderFault":true}]})"}});
  rig.add();
  rig.finish();
  EXPECT_EQ(rig.outs[0], "RESOURCE_EXHAUSTED (sqs_throttled): SQS: ThrottlingException");
  EXPECT_EQ(rig.service.requests.size(), 3U);
}

TEST(Batcher, NoneOvertakesAnotherOfItsGroup) {
  BatchRig rig({{.body = sent({0, 1})}});
  for (const char* group : {"a", "a", "b", "a"}) rig.add(group);
  rig.finish();
  EXPECT_EQ(rig.service.requests.size(), 3U) << "a and b, a, a";
  EXPECT_EQ(rig.outs, (std::deque<std::string>{"m0", "m0", "m1", "m0"}));
}

}  // namespace
}  // namespace parley::queue::sqs
