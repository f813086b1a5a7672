// Taking messages by calls and by streams.
#include "route/local/messages/message_services_fixture.h"

namespace parley::route {
namespace {

TEST_F(MessageServicesTest, lease_and_settle) {
  ASSERT_TRUE(publish(mail("ann")));
  ASSERT_TRUE(publish(mail("bob")));
  const auto leased = lease();
  ASSERT_EQ(leased.size(), 2U);
  EXPECT_EQ(leased[0].attempt, 1);
  EXPECT_EQ(broker.leases.back().lease, 20s);  // as the contract says
  EXPECT_TRUE(lease().empty());
  EXPECT_TRUE(settle_as({{leased[0].lease_id, {}, {}, {}}})->failed.empty());
  // One of two came too late: it is told; a lone one fails.
  const auto both = settle_as({{leased[0].lease_id, {}, {}, {}}, {leased[1].lease_id, {}, {}, {}}});
  ASSERT_TRUE(both);
  ASSERT_EQ(both->failed.size(), 1U);
  EXPECT_EQ(both->failed[0].lease_id, leased[0].lease_id);
  EXPECT_EQ(api::error_of(*both->failed[0].error).reason(), "lease_lost");
  const auto late = settle_as({{leased[1].lease_id, {}, {}, {}}});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::failed_precondition);
  EXPECT_EQ(late.error().reason(), "lease_lost");
}

TEST_F(MessageServicesTest, a_lease_waits) {
  Live live(*this, "/parley.Queues/Lease");
  live.send(api::LeaseRequest{.queue = mails, .group = {}, .wait = 60s});
  live.call.requests.end();
  live.start();
  shard.advance(10s);
  settle();
  EXPECT_FALSE(live.call.is_finished());
  ASSERT_TRUE(publish(mail("ann")));
  settle();
  ASSERT_TRUE(live.call.is_finished());
  EXPECT_EQ(live.replies<api::LeaseResponse>().at(0).deliveries.size(), 1U);
}

TEST_F(MessageServicesTest, a_wait_ends_with_its_time_its_caller_or_the_node) {
  const struct {
    const char* what;
    std::function<void(Live&)> end;
    Code code;
  } cases[] = {
      {"time",
       [&](Live&) {
         for (int i = 0; i < 61; ++i) shard.advance(1s), settle();
       },
       Code::ok},
      {"caller", [](Live& live) { live.call.cancel(Error(Code::cancelled, Blame::caller, "gone")); }, Code::cancelled},
      {"node", [&](Live&) { services.drain(); }, Code::ok},
  };
  for (const auto& c : cases) {
    Live live(*this, "/parley.Queues/Lease");
    live.send(api::LeaseRequest{.queue = mails, .group = {}, .wait = 60s});
    live.call.requests.end();
    live.start();
    c.end(live);
    for (int i = 0; i < 3; ++i) shard.advance(1s), settle();
    EXPECT_TRUE(live.call.is_finished()) << c.what;
    EXPECT_EQ(live.code(), c.code) << c.what;
  }
}

TEST_F(MessageServicesTest, what_was_leased_for_a_caller_who_left_is_released) {
  Live live(*this, "/parley.Queues/Lease");
  live.send(api::LeaseRequest{.queue = mails, .group = {}, .wait = 60s});
  live.call.requests.end();
  live.start();
  live.call.cancel(Error(Code::cancelled, Blame::caller, "gone"));
  ASSERT_TRUE(publish(mail("ann")));
  settle();
  const auto leased = lease();
  ASSERT_EQ(leased.size(), 1U);
  EXPECT_EQ(leased[0].attempt, 1);  // a release is no attempt
}

TEST_F(MessageServicesTest, lease_stream_gives_what_there_is_credit_for) {
  for (const char* to : {"ann", "bob", "cid"}) ASSERT_TRUE(publish(mail(to)));
  Live live(*this, "/parley.Queues/LeaseStream");
  live.start();
  live.send(api::LeaseStreamRequest{.start = api::LeaseStreamStart{.queue = mails}});
  EXPECT_TRUE(live.replies<api::LeaseStreamResponse>().empty());
  live.send(api::LeaseStreamRequest{.credit = 2});
  auto replies = live.replies<api::LeaseStreamResponse>();
  ASSERT_EQ(replies.size(), 2U);
  const std::string lease = replies[0].delivery->lease_id;
  live.send(api::LeaseStreamRequest{.settle = api::Settlement{.lease_id = lease}});
  replies = live.replies<api::LeaseStreamResponse>();
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].settled->lease_id, lease);
  EXPECT_FALSE(replies[0].settled->error);
  live.send(api::LeaseStreamRequest{.credit = 1, .settle = api::Settlement{.lease_id = lease}});
  replies = live.replies<api::LeaseStreamResponse>();
  ASSERT_EQ(replies.size(), 2U);  // the third message, and a settlement that came too late
  const bool first = replies[0].settled.has_value();
  EXPECT_EQ(api::error_of(*replies[first ? 0 : 1].settled->error).reason(), "lease_lost");
  EXPECT_TRUE(replies[first ? 1 : 0].delivery);
}

TEST_F(MessageServicesTest, an_open_lease_stream_keeps_its_leases_and_a_client_that_ends_it_gives_them_back) {
  ASSERT_TRUE(publish(mail("ann")));
  Live live(*this, "/parley.Queues/LeaseStream");
  live.start();
  live.send(api::LeaseStreamRequest{.start = api::LeaseStreamStart{.queue = mails, .lease = 3s}, .credit = 1});
  ASSERT_EQ(live.replies<api::LeaseStreamResponse>().size(), 1U);
  for (int i = 0; i < 30; ++i) shard.advance(1s), settle();
  EXPECT_TRUE(lease().empty());
  EXPECT_GE(broker.extended, 10);
  live.call.requests.end();
  for (int i = 0; i < 3; ++i) shard.advance(1s), settle();
  EXPECT_TRUE(live.call.is_finished());
  const auto leased = lease();
  ASSERT_EQ(leased.size(), 1U);
  EXPECT_EQ(leased[0].attempt, 1);
}

// One after the other they would come too late: a backend syncs each, or is asked over the network.
TEST_F(MessageServicesTest, an_open_lease_stream_keeps_its_leases_however_many_they_are) {
  constexpr int many = 400;
  for (int i = 0; i < many; ++i) ASSERT_TRUE(publish(mail(std::to_string(i))));
  Live live(*this, "/parley.Queues/LeaseStream");
  live.start();
  live.send(api::LeaseStreamRequest{.start = api::LeaseStreamStart{.queue = mails, .lease = 3s}, .credit = many});
  int delivered = 0;
  const auto pass = [&](int seconds) {
    for (int i = 0; i < 10 * seconds; ++i) {
      shard.advance(100ms), settle();
      for (const auto& reply : live.replies<api::LeaseStreamResponse>()) {
        EXPECT_FALSE(reply.lost);
        delivered += reply.delivery ? 1 : 0;
      }
    }
  };
  pass(1);
  EXPECT_EQ(delivered, many);
  broker.takes = 50ms;
  pass(20);
  EXPECT_TRUE(lease().empty());
  live.call.requests.end();
  pass(2);
  EXPECT_TRUE(live.call.is_finished());
  EXPECT_EQ(lease(many).size(), many) << "and gives them back as fast";
}

TEST_F(MessageServicesTest,
       a_lease_stream_that_settles_what_it_does_not_have_is_not_read_on_while_it_reads_no_answers) {
  ASSERT_TRUE(publish(mail("ann")));
  Live live(*this, "/parley.Queues/LeaseStream");
  live.start();
  live.send(api::LeaseStreamRequest{.start = api::LeaseStreamStart{.queue = mails, .lease = 3s}, .credit = 1});
  const std::string id = live.replies<api::LeaseStreamResponse>().at(0).delivery->lease_id;
  const Bytes strange(api::to_wire(api::LeaseStreamRequest{.settle = api::Settlement{.lease_id = "x"}}));
  const Bytes bad(api::to_wire(api::LeaseStreamRequest{
      .settle = api::Settlement{.lease_id = id, .kind = api::Settlement::Kind::retry, .delay = -1s}}));
  for (int i = 0; i < 10'000; ++i) live.call.requests.push(i % 2 == 0 ? strange : bad);
  for (int i = 0; i < 10; ++i) shard.advance(1s), settle();
  EXPECT_GT(live.call.requests.count(), 5000U);
  EXPECT_LT(live.call.replies.bytes(), 256U << 10);
  std::size_t answers = 0;
  for (int i = 0; i < 100; ++i) {
    answers += live.replies<api::LeaseStreamResponse>().size();
    shard.advance(1s), settle();
  }
  EXPECT_EQ(answers, 10'000U) << "who reads them gets all";
}

TEST_F(MessageServicesTest, a_lease_stream_that_breaks_leaves_its_leases_to_run_out) {
  ASSERT_TRUE(publish(mail("ann")));
  Live live(*this, "/parley.Queues/LeaseStream");
  live.start();
  live.send(api::LeaseStreamRequest{.start = api::LeaseStreamStart{.queue = mails, .lease = 5s}, .credit = 1});
  live.call.cancel(Error(Code::cancelled, Blame::caller, "gone"));
  for (int i = 0; i < 2; ++i) shard.advance(1s), settle();
  EXPECT_TRUE(live.call.is_finished());
  EXPECT_TRUE(lease().empty());
  for (int i = 0; i < 5; ++i) shard.advance(1s), settle();
  EXPECT_EQ(lease().at(0).attempt, 2);
}

TEST_F(MessageServicesTest, what_is_leased_is_asked_for_with_amounts_that_can_be_meant) {
  ASSERT_TRUE(publish(mail("ann")));
  const struct {
    api::LeaseRequest request;
    const char* says;
  } cases[] = {
      {{.max_messages = -1}, "`max_messages` is negative: it is 0 (the default: 1) or more"},
      {{.max_bytes = -1}, "`max_bytes` is negative: it is 0 (the default: 4 MiB) or more"},
      {{.lease = -1s}, "`lease` is negative: it is 0 (as the contract has it) or more"},
      {{.wait = -1s}, "`wait` is negative: it is 0 (it answers at once) or more"},
  };
  for (const auto& c : cases) {
    api::LeaseRequest request = c.request;
    request.queue = mails;
    const auto leased = call<api::LeaseResponse>("/parley.Queues/Lease", request);
    ASSERT_FALSE(leased) << c.says;
    EXPECT_EQ(leased.error().code(), Code::invalid_argument) << c.says;
    EXPECT_EQ(leased.error().message(), c.says);
  }
  const auto leased = lease();
  ASSERT_EQ(leased.size(), 1U);
  EXPECT_EQ(leased[0].attempt, 1);
  const auto extended = call<api::SettleResponse>(
      "/parley.Queues/Extend", api::ExtendRequest{.queue = mails, .lease_ids = {leased[0].lease_id}, .lease = -1s});
  ASSERT_FALSE(extended);
  EXPECT_EQ(extended.error().message(), "`lease` is negative: it is 0 (as the contract has it) or more");
}

TEST_F(MessageServicesTest, a_retry_after_less_than_nothing_leaves_the_lease_as_it_was) {
  constexpr std::string_view says = "`delay` is negative: it is 0 (again at once) or more";
  const api::Settlement bad{.kind = api::Settlement::Kind::retry, .delay = -1s};
  const auto of = [](api::Settlement how, const std::string& lease) {
    how.lease_id = lease;
    return how;
  };
  ASSERT_TRUE(publish(mail("ann")));
  const auto leased = lease();
  const auto settled = settle_as({of(bad, leased[0].lease_id)});
  ASSERT_FALSE(settled);
  EXPECT_EQ(settled.error().code(), Code::invalid_argument);
  EXPECT_EQ(settled.error().message(), says);
  EXPECT_TRUE(settle_as({{.lease_id = leased[0].lease_id}}));

  ASSERT_TRUE(publish(mail("bob")));
  Live live(*this, "/parley.Queues/LeaseStream");
  live.start();
  live.send(api::LeaseStreamRequest{.start = api::LeaseStreamStart{.queue = mails, .lease = 3s}, .credit = 1});
  const std::string id = live.replies<api::LeaseStreamResponse>().at(0).delivery->lease_id;
  live.send(api::LeaseStreamRequest{.settle = of(bad, id)});
  auto replies = live.replies<api::LeaseStreamResponse>();
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].settled->error->message, says);
  for (int i = 0; i < 10; ++i) shard.advance(1s), settle();  // it is still extended
  live.send(api::LeaseStreamRequest{.settle = api::Settlement{.lease_id = id}});
  replies = live.replies<api::LeaseStreamResponse>();
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_FALSE(replies[0].settled->error);
}

TEST_F(MessageServicesTest, lease_stream_refuses) {
  const api::LeaseStreamStart good{.queue = mails};
  const struct {
    const char* what;
    std::vector<api::LeaseStreamRequest> requests;
    const char* says;
  } cases[] = {
      {"no start", {{.credit = 1}}, "is not `start`"},
      {"start twice", {{.start = good}, {.start = good}}, "`start` came twice"},
      {"negative credit", {{.start = good}, {.credit = -1}}, "`credit` is between 0 and 100000"},
      {"negative credit at once", {{.start = good, .credit = -1}}, "`credit` is between 0 and 100000"},
      {"too much credit", {{.start = good, .credit = 100'000}, {.credit = 1}}, "`credit` is between 0 and 100000"},
      {"negative lease", {{.start = api::LeaseStreamStart{.queue = mails, .lease = -1s}}}, "`lease` is negative"},
      {"negative bytes",
       {{.start = api::LeaseStreamStart{.queue = mails, .max_bytes = -1}}},
       "`max_bytes` is negative"},
  };
  for (const auto& c : cases) {
    Live live(*this, "/parley.Queues/LeaseStream");
    live.start();
    for (const auto& request : c.requests) live.send(request);
    for (int i = 0; i < 3; ++i) shard.advance(1s), settle();  // a look for messages that has begun comes to its end
    EXPECT_EQ(live.code(), Code::invalid_argument) << c.what;
    EXPECT_TRUE(live.message().contains(c.says)) << c.what << ": " << live.message();
  }
}

TEST_F(MessageServicesTest, settlements_that_fail_for_different_reasons_are_listed) {
  ASSERT_TRUE(publish(mail("ann")));
  const auto leased = lease();
  broker.fail_settle = Error(Code::unavailable, Blame::upstream, "not now");
  const auto response = settle_as(
      {{leased[0].lease_id, api::Settlement::Kind::done, {}, {}}, {"nobody's", api::Settlement::Kind::done, {}, {}}});
  ASSERT_TRUE(response);
  ASSERT_EQ(response->failed.size(), 2U);
  EXPECT_EQ(response->failed[0].error->code, static_cast<int>(Code::unavailable));
  EXPECT_EQ(response->failed[1].error->code, static_cast<int>(Code::failed_precondition));
}

}  // namespace
}  // namespace parley::route
