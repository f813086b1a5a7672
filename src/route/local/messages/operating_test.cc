// What operators do with a queue: redrive, purge, pause, look for a message, list.
#include "route/local/messages/message_services_fixture.h"

namespace parley::route {
namespace {

TEST_F(MessageServicesTest, redrive_takes_what_is_asked_for) {
  bury("ann", "INVALID_ARGUMENT: no such address");
  bury("bob", "UNAVAILABLE: down");
  bury("cid", "UNAVAILABLE: down");
  const auto redrive = [&](api::RedriveRequest request) {
    request.queue = mails;
    auto done = call<api::RedriveResponse>("/parley.Queues/Redrive", request);
    return done ? std::to_string(done->count) : std::string(name(done.error().code()));
  };
  EXPECT_EQ(redrive({}), "INVALID_ARGUMENT");
  EXPECT_EQ(redrive({.all = true, .dry_run = true}), "3");
  EXPECT_EQ(redrive({.reason = "UNAVAILABLE", .dry_run = true}), "2");
  EXPECT_EQ(redrive({.key = "bob"}), "1");
  EXPECT_EQ(redrive({.type = "shop.Nothing"}), "0");
  const auto peeked = call<api::PeekResponse>("/parley.Queues/Peek",
                                              api::PeekRequest{.queue = mails, .group = {}, .shelf = api::Shelf::dead});
  ASSERT_EQ(peeked->messages.size(), 2U);
  EXPECT_EQ(redrive({.ids = {peeked->messages[0].message.id}}), "1");
  EXPECT_EQ(redrive({.all = true}), "1");
  EXPECT_EQ(redrive({.all = true}), "0");
}

TEST_F(MessageServicesTest, a_redrive_can_be_slow) {
  for (int i = 0; i < 5; ++i) bury("ann" + std::to_string(i), "x");
  Live live(*this, "/parley.Queues/Redrive");
  live.send(api::RedriveRequest{.queue = mails, .group = {}, .all = true, .per_second = 1});
  live.call.requests.end();
  live.start();
  shard.advance(2100ms), settle();
  EXPECT_FALSE(live.call.is_finished());
  EXPECT_LT(lease().size(), 4U);
  for (int i = 0; i < 10; ++i) shard.advance(1s), settle();
  EXPECT_TRUE(live.call.is_finished());
  EXPECT_EQ(live.replies<api::RedriveResponse>().at(0).count, 5U);
}

TEST_F(MessageServicesTest, where_a_message_is) {
  const auto state = [&](const std::string& position) {
    return call<api::MessageState>("/parley.Queues/GetMessage",
                                   api::GetMessageRequest{.queue = mails, .position = position})
        ->state;
  };
  using State = api::MessageState::State;
  const auto receipt = publish(mail("ann"));
  EXPECT_EQ(state(receipt->position), State::waiting);
  auto leased = lease();
  EXPECT_EQ(state(receipt->position), State::leased);
  ASSERT_TRUE(settle_as({{leased[0].lease_id, api::Settlement::Kind::retry, 5s, {}}}));
  EXPECT_EQ(state(receipt->position), State::delayed);
  shard.advance(6s);
  leased = lease();
  ASSERT_TRUE(settle_as({{leased[0].lease_id, api::Settlement::Kind::kill, {}, "why not"}}));
  EXPECT_EQ(state(receipt->position), State::dead);
  EXPECT_EQ(state("nowhere"), State::done_or_unknown);
}

TEST_F(MessageServicesTest, a_backend_that_cannot_look_deeper_says_so) {
  for (int i = 0; i < queue::locate_depth; ++i) ASSERT_TRUE(publish(mail("ann")));
  const auto first = publish(mail("ann"));
  const auto found = call<api::MessageState>("/parley.Queues/GetMessage",
                                             api::GetMessageRequest{.queue = mails, .position = first->position});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::unimplemented);
  EXPECT_EQ(found.error().reason(), "not_by_this_backend");
}

TEST_F(MessageServicesTest, purge_pause_and_stats) {
  ASSERT_TRUE(publish(mail("ann")));
  const auto purge = [&](std::optional<api::Shelf> shelf) {
    return call<api::PurgeResponse>("/parley.Queues/Purge",
                                    api::PurgeRequest{.queue = mails, .group = {}, .shelf = shelf});
  };
  EXPECT_EQ(purge({}).error().code(), Code::invalid_argument);
  EXPECT_EQ(purge(api::Shelf::leased).error().code(), Code::invalid_argument);
  EXPECT_EQ(purge(api::Shelf::dead)->count, 0U);
  const api::QueueRequest queue{.queue = mails, .group = {}};
  ASSERT_TRUE(call<api::Empty>("/parley.Queues/Pause", queue));
  EXPECT_TRUE(lease().empty());
  const auto stats = call<api::QueueStats>("/parley.Queues/Stats", queue);
  EXPECT_EQ(stats->waiting, 1U);
  EXPECT_TRUE(stats->paused);
  ASSERT_TRUE(call<api::Empty>("/parley.Queues/Resume", queue));
  EXPECT_EQ(purge(api::Shelf::waiting)->count, 1U);
  EXPECT_EQ(call<api::QueueStats>("/parley.Queues/Stats", api::QueueRequest{"nowhere", ""}).error().code(),
            Code::not_found);
}

TEST_F(MessageServicesTest, looking_and_redriving_take_no_negative_amounts) {
  const auto message = [](const auto& result) { return result ? std::string() : result.error().message(); };
  EXPECT_EQ(
      message(call<api::PeekResponse>("/parley.Queues/Peek", api::PeekRequest{.queue = mails, .max_messages = -1})),
      "`max_messages` is negative: it is 0 (the default: 20) or more");
  EXPECT_EQ(message(call<api::RedriveResponse>("/parley.Queues/Redrive",
                                               api::RedriveRequest{.queue = mails, .all = true, .per_second = -1})),
            "`per_second` is negative: it is 0 (all at once) or more");
  const struct {
    api::ReadTopicRequest request;
    const char* says;
  } reads[] = {
      {{.topic = "orders", .max_messages = -1}, "`max_messages` is negative: it is 0 (the default: 100) or more"},
      {{.topic = "orders", .max_bytes = -1}, "`max_bytes` is negative: it is 0 (the default: 1 MiB) or more"},
      {{.topic = "orders", .wait = -1s}, "`wait` is negative: it is 0 (it answers at once) or more"},
  };
  for (const auto& c : reads)
    EXPECT_EQ(message(call<api::ReadTopicResponse>("/parley.Topics/Read", c.request)), c.says);
}

TEST_F(MessageServicesTest, a_name_that_is_not_there_is_told_with_the_one_that_was_perhaps_meant) {
  const std::string slip = "shop.Mailer/SendMial";
  const auto message = [](const auto& result) { return result ? "it is there" : result.error().message(); };
  const auto streamed = [&](const char* path, const auto& request) {
    Live live(*this, path);
    live.start();
    live.send(request);
    for (int i = 0; i < 2; ++i) shard.advance(1s), settle();
    return live.message();
  };
  const struct {
    const char* what;
    std::string message;
    const char* meant;
  } cases[] = {
      {"Lease", message(call<api::LeaseResponse>("/parley.Queues/Lease", api::LeaseRequest{.queue = slip})),
       "SendMail"},
      {"LeaseStream",
       streamed("/parley.Queues/LeaseStream",
                api::LeaseStreamRequest{.start = api::LeaseStreamStart{.queue = slip}, .credit = 1}),
       "SendMail"},
      {"Peek", message(call<api::PeekResponse>("/parley.Queues/Peek", api::PeekRequest{.queue = slip})), "SendMail"},
      {"GetMessage",
       message(call<api::MessageState>("/parley.Queues/GetMessage", api::GetMessageRequest{.queue = slip})),
       "SendMail"},
      {"Redrive",
       message(call<api::RedriveResponse>("/parley.Queues/Redrive", api::RedriveRequest{.queue = slip, .all = true})),
       "SendMail"},
      {"Stats", message(call<api::QueueStats>("/parley.Queues/Stats", api::QueueRequest{.queue = slip})), "SendMail"},
      {"Stats of a group",
       message(call<api::QueueStats>("/parley.Queues/Stats", api::QueueRequest{.queue = "orders", .group = "mialer"})),
       "mailer"},
      {"Topics/Stats",
       message(
           call<api::QueueStats>("/parley.Topics/Stats", api::TopicGroupRequest{.topic = "oders", .group = "mailer"})),
       "orders"},
      {"Read", message(call<api::ReadTopicResponse>("/parley.Topics/Read", api::ReadTopicRequest{.topic = "oders"})),
       "orders"},
      {"Tail", streamed("/parley.Topics/Tail", api::TailRequest{.topic = "oders"}), "orders"},
  };
  for (const auto& c : cases)
    EXPECT_TRUE(c.message.contains(std::string(c.meant) + "\"?)")) << c.what << ": " << c.message;

  const auto far = call<api::QueueStats>("/parley.Queues/Stats", api::QueueRequest{.queue = "billing"});
  EXPECT_EQ(message(far), "no queue billing");
}

TEST_F(MessageServicesTest, lists) {
  const auto queues = call<api::ListQueuesResponse>("/parley.Queues/List", api::ListQueuesRequest{});
  ASSERT_EQ(queues->queues.size(), 1U);
  EXPECT_EQ(queues->queues[0].queue, mails);
  EXPECT_EQ(queues->backend, "fake");
  const auto all = call<api::ListQueuesResponse>("/parley.Queues/List", api::ListQueuesRequest{.groups = true});
  EXPECT_EQ(all->queues.size(), 2U);
  const auto topics = call<api::ListTopicsResponse>("/parley.Topics/List", api::ListTopicsRequest{});
  ASSERT_EQ(topics->topics.size(), 1U);
  EXPECT_EQ(topics->topics[0].topic, "orders");
  EXPECT_EQ(topics->topics[0].types, std::vector<std::string>{"shop.OrderPlaced"});
  ASSERT_EQ(topics->topics[0].groups.size(), 1U);
  EXPECT_EQ(topics->topics[0].groups[0].group, "mailer");
}

TEST_F(MessageServicesTest, a_list_has_what_answers_and_says_what_did_not) {
  const auto queues = [&] {
    return call<api::ListQueuesResponse>("/parley.Queues/List", api::ListQueuesRequest{.groups = true});
  };
  const auto topics = [&] { return call<api::ListTopicsResponse>("/parley.Topics/List", api::ListTopicsRequest{}); };
  backend.away = Error(Code::unavailable, Blame::upstream, "kafka: no broker").with_reason("broker_away");
  EXPECT_EQ(queues()->queues.size(), 2U);
  ASSERT_EQ(queues()->failed.size(), 1U);
  EXPECT_EQ(api::error_of(queues()->failed[0]).text(), "UNAVAILABLE (broker_away): kafka: no broker");
  EXPECT_EQ(topics()->topics.size(), 1U);
  EXPECT_EQ(topics()->failed.size(), 1U);

  broker.fail_stats.emplace(queue::Source{"orders", "mailer"}, Error(Code::unavailable, Blame::upstream, "not now"));
  EXPECT_EQ(queues()->queues.size(), 1U);
  ASSERT_EQ(queues()->failed.size(), 2U);
  EXPECT_EQ(queues()->failed[1].message, "orders, group mailer: not now");
  EXPECT_EQ(topics()->failed.size(), 2U);

  backend.is_whole = true;
  ASSERT_FALSE(queues());
  EXPECT_EQ(queues().error().reason(), "broker_away");
  EXPECT_FALSE(topics());
}

TEST_F(MessageServicesTest, a_group_is_deleted_unless_the_contract_has_it) {
  const auto remove = [&](const char* topic, const char* group) {
    auto done = call<api::Empty>("/parley.Topics/DeleteGroup", api::DeleteGroupRequest{.topic = topic, .group = group});
    return done ? "gone" : std::string(name(done.error().code())) + ": " + done.error().message();
  };
  backend.more.push_back({"orders", "retired"});
  EXPECT_EQ(remove("orders", ""), "INVALID_ARGUMENT: `group` is missing");
  EXPECT_EQ(remove("orders", "mailer"),
            "FAILED_PRECONDITION: group \"mailer\" of topic \"orders\" is in use: the contract delivers its events to "
            "shop.Mailer/OnOrder; take that rpc out first");
  EXPECT_EQ(remove("orders", "retird"),
            "NOT_FOUND: topic \"orders\" has no group \"retird\" (did you mean \"retired\"?)");
  EXPECT_EQ(remove("orders", "retired"), "gone");
}

}  // namespace
}  // namespace parley::route
