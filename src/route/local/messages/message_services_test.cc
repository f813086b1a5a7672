// Who may call the pull API and by which paths, and reading topics.
#include "route/local/messages/message_services_fixture.h"

namespace parley::route {
namespace {

TEST_F(MessageServicesTest, a_topic_is_read_and_tailed) {
  const auto order = [](const std::string& id) {
    api::Message message;
    message.type = "shop.OrderPlaced";
    message.payload = Bytes("\x0a" + std::string(1, static_cast<char>(id.size())) + id);
    return message;
  };
  const auto place = [&](const std::string& id) {
    return call<api::PublishReceipt>("/parley.Topics/Publish",
                                     api::PublishEventRequest{.topic = "orders", .message = order(id)});
  };
  ASSERT_TRUE(place("o1"));
  const auto second = place("o2");
  const auto read = call<api::ReadTopicResponse>(
      "/parley.Topics/Read", api::ReadTopicRequest{.topic = "orders", .from = {.earliest = true}, .max_messages = 1});
  ASSERT_EQ(read->events.size(), 1U);
  EXPECT_EQ(read->events[0].message.key, "o1");
  const auto rest = call<api::ReadTopicResponse>(
      "/parley.Topics/Read", api::ReadTopicRequest{.topic = "orders", .from = {.after = read->next}});
  ASSERT_EQ(rest->events.size(), 1U);
  EXPECT_EQ(rest->events[0].position, second->position);
  EXPECT_EQ(
      call<api::ReadTopicResponse>("/parley.Topics/Read", api::ReadTopicRequest{.topic = "nothing"}).error().code(),
      Code::not_found);
  EXPECT_EQ(call<api::Empty>("/parley.Topics/Commit", api::CommitRequest{.topic = "orders"}).error().code(),
            Code::invalid_argument);
}

TEST_F(MessageServicesTest, only_callers_on_this_machine) {
  const struct {
    std::string address;
    const char* header;
    PullApi setting;
    Code code;
  } cases[] = {
      {"127.0.0.1:1", nullptr, PullApi::local, Code::ok},
      {"[::1]:1", nullptr, PullApi::local, Code::ok},
      {"10.0.0.7:1", nullptr, PullApi::local, Code::permission_denied},
      {"1270.0.0.1:1", nullptr, PullApi::local, Code::permission_denied},
      {"127.0.0.1:1", "x-forwarded-for", PullApi::local, Code::permission_denied},
      {"", nullptr, PullApi::local, Code::permission_denied},
      {"10.0.0.7:1", nullptr, PullApi::on, Code::ok},
      {"127.0.0.1:1", nullptr, PullApi::off, Code::permission_denied},
  };
  for (const auto& c : cases) {
    MessageServices guarded(user, broker, backend, door, c.setting);
    const contract::Method& method = *guarded.contract()->find("/parley.Queues/Stats");
    Call call(guarded.contract(), method, "test");
    call.caller.address = c.address;
    if (c.header != nullptr) call.metadata.add(c.header, "1.2.3.4");
    call.requests.push(Bytes(api::to_wire(api::QueueRequest{mails, ""})));
    call.requests.end();
    TaskGroup tasks;
    tasks.spawn(answer(*guarded.handler(method), call));
    settle();
    ASSERT_TRUE(call.is_finished());
    EXPECT_EQ(call.status() == nullptr ? Code::ok : call.status()->code(), c.code) << c.address;
  }
}

TEST_F(MessageServicesTest, paths) {
  const struct {
    const char* path;
    bool takes;
  } cases[] = {
      {"/parley.Queues/Lease", true},
      {"/ws/parley.Topics/Tail", true},
      {"/parley/queues", true},
      {"/parley/topics/o:tail", true},
      {"/parley.Events/X", false},
      {"/shop.Orders/List", false},
      {"/parley", false},
      {"/ws/shop.Orders/List", false},
  };
  for (const auto& c : cases) EXPECT_EQ(MessageServices::takes(c.path), c.takes) << c.path;
}

}  // namespace
}  // namespace parley::route
