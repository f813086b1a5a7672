// The pull API over a broker in memory, called as any edge would call it: for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include "contract/load.h"
#include "contract/transcode.h"
#include "loop/task_group.h"
#include "queue/declarations_of.h"
#include "queue/fake_broker.h"
#include "queue/locate.h"
#include "route/local/messages/contract_door.h"
#include "route/local/messages/message_services.h"

namespace parley::route {

namespace api = queue::api;
using namespace std::chrono_literals;

inline constexpr const char* shop = R"(syntax = "proto3";
package shop;
import "parley/options.proto";
import "parley/receipt.proto";
import "google/protobuf/empty.proto";
message Mail { string to = 1; string text = 2; string request_id = 3; }
message OrderPlaced {
  option (parley.event) = {topic: "orders" key: "order_id"};
  string order_id = 1;
}
service Mailer {
  rpc SendMail(Mail) returns (parley.Receipt) {
    option (parley.queue) = {key: "to" dedup: {field: "request_id"} lease: "20s"};
  }
  rpc OnOrder(OrderPlaced) returns (google.protobuf.Empty) { option (parley.subscribe) = {group: "mailer" start: EARLIEST}; }
}
)";
inline const std::string mails = "shop.Mailer/SendMail";

class UserFront final : public Front {
 public:
  UserFront() : loaded_(contract::load_texts({{"shop.proto", shop}})) {
    for (const auto& d : loaded_.diagnostics) ADD_FAILURE() << d.text();
  }
  contract::ContractPtr contract() const override { return loaded_.contract; }
  HandlerPtr handler(const contract::Method&) const override { return nullptr; }

 private:
  contract::Loaded loaded_;
};

class FakeBackend final : public queue::Backend {
 public:
  std::string_view name() const override { return "fake"; }
  Result<void> declare(const queue::Declarations&) override { return {}; }
  std::unique_ptr<queue::Broker> open(Shard&) override { return nullptr; }
  Result<std::vector<queue::Source>> list() override {
    std::vector<queue::Source> all{{mails, ""}, {"orders", "mailer"}, {"orders", ""}};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<queue::Source> list_some(std::vector<Error>& silent) override {
    if (away) silent.push_back(*away);
    return away && is_whole ? std::vector<queue::Source>() : *list();
  }

  std::vector<queue::Source> more;  // that no contract declares
  std::optional<Error> away;        // of a part, or of the whole
  bool is_whole = false;
};

class MessageServicesTest : public testing::Test {
 protected:
  MessageServicesTest()
      : broker(use_fake_time(shard), declarations(*user.contract())),
        door(clock),
        services(user, broker, backend, door, PullApi::local) {}

  static Shard& use_fake_time(Shard& shard) {
    shard.use_fake_time();
    return shard;
  }
  // And a group that no contract declares any more.
  static queue::Declarations declarations(const contract::Contract& contract) {
    queue::Declarations all = queue::declarations_of(contract);
    queue::Consumer retired;
    retired.name = "orders";
    retired.group = "retired";
    all.topics.at(0).groups.push_back(retired);
    return all;
  }
  void settle() {
    shard.run_until([] { return true; });
  }

  // A call in progress.
  struct Live {
    Live(MessageServicesTest& test, std::string_view path)
        : test(test),
          call(test.services.contract(), *test.services.contract()->find(path), "test"),
          handler(test.services.handler(call.method())) {
      call.caller.address = "127.0.0.1:5000";
    }
    ~Live() {
      if (!call.is_finished()) call.cancel(Error(Code::cancelled, Blame::caller, "gone"));
      for (int i = 0; tasks.live() != 0 && i < 100; ++i) test.shard.advance(1s), test.settle();
    }
    void start() {
      tasks.spawn(answer(*handler, call));
      test.settle();
    }
    template <class T>
    void send(const T& message) {
      call.requests.push(Bytes(api::to_wire(message)));
      test.settle();
    }
    template <class T>
    std::vector<T> replies() {
      std::vector<T> out;
      while (call.replies.count() > 0) out.push_back(*api::from_wire<T>((*call.replies.take())->view()));
      test.settle();
      return out;
    }
    Code code() const { return call.status() == nullptr ? Code::ok : call.status()->code(); }
    std::string reason() const { return call.status() == nullptr ? "" : std::string(call.status()->reason()); }
    std::string message() const { return call.status() == nullptr ? "" : call.status()->message(); }

    MessageServicesTest& test;
    Call call;
    HandlerPtr handler;
    TaskGroup tasks;
  };

  // A unary call to its end.
  template <class Reply, class Request>
  Result<Reply> call(std::string_view path, const Request& request) {
    Live live(*this, path);
    live.send(request);
    live.call.requests.end();
    live.start();
    // Both list on another thread.
    if (path.ends_with("/List") || path.ends_with("/DeleteGroup"))
      shard.run_until([&] { return live.call.is_finished(); });
    if (live.call.status() != nullptr) return fail(*live.call.status());
    auto replies = live.replies<Reply>();
    EXPECT_EQ(replies.size(), 1U) << path;
    return std::move(replies.at(0));
  }

  api::Message mail(const std::string& to, const std::string& text = "hello", const std::string& request_id = "") {
    std::string wire;
    const std::string json = R"({"to":")" + to + R"(","text":")" + text + R"(","requestId":")" + request_id + R"("})";
    EXPECT_TRUE(contract::json_to_wire(*user.contract()->tables().find("shop.Mail"), json, wire));
    api::Message message;
    message.payload = Bytes(wire);
    return message;
  }
  Result<api::PublishReceipt> publish(api::Message message, const std::string& queue = mails) {
    return call<api::PublishReceipt>("/parley.Queues/Publish",
                                     api::PublishRequest{.queue = queue, .message = std::move(message)});
  }
  std::vector<api::Delivery> lease(int most = 10, bool json = false) {
    auto leased = call<api::LeaseResponse>(
        "/parley.Queues/Lease", api::LeaseRequest{.queue = mails, .group = {}, .max_messages = most, .json = json});
    EXPECT_TRUE(leased) << leased.error().text();
    return leased ? leased->deliveries : std::vector<api::Delivery>();
  }
  Result<api::SettleResponse> settle_as(std::vector<api::Settlement> how) {
    return call<api::SettleResponse>("/parley.Queues/Settle",
                                     api::SettleRequest{.queue = mails, .group = {}, .settlements = std::move(how)});
  }
  // Publishes and kills: a dead letter.
  void bury(const std::string& to, const std::string& reason) {
    ASSERT_TRUE(publish(mail(to)));
    for (const auto& delivery : lease())
      ASSERT_TRUE(settle_as({{delivery.lease_id, api::Settlement::Kind::kill, {}, reason}}));
  }

  Shard shard;
  UserFront user;
  queue::FakeBroker broker;
  FakeBackend backend;
  WallClock clock;
  ContractDoor door;
  MessageServices services;
};

}  // namespace parley::route
