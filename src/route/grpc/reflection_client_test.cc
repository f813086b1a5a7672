#include "route/grpc/reflection_client.h"

#include <gtest/gtest.h>

#include "contract/wire_records.h"
#include "loop/shard.h"
#include "net/fake_upstream.h"
#include "wire/grpc_frame.h"

namespace parley::route {
namespace {

using net::FakeConnection;
using Stream = FakeConnection::Stream;

const Fields ok_head{{":status", "200"}, {"content-type", "application/grpc"}};

std::string record(std::uint32_t number, std::string_view content) {
  std::string out;
  contract::append_record(out, number, content);
  return out;
}
// A FileDescriptorProto with a name and imports.
std::string file(std::string_view name, std::vector<std::string> imports) {
  std::string out = record(1, name);
  for (const std::string& import : imports) out += record(3, import);
  return out;
}

// Answers like a server whose shop.Orders is in a.proto, which imports b.proto and c.proto, which imports b.proto.
std::string answer_to(std::string_view question) {
  contract::WireRecords q(question);
  q.next();
  if (q.number == 7)
    return record(6, record(1, record(1, "shop.Orders")) + record(1, record(1, "grpc.reflection.v1.ServerReflection")));
  if (q.number == 4 && q.content == "shop.Orders") return record(4, record(1, file("a.proto", {"b.proto", "c.proto"})));
  if (q.number == 3 && q.content == "b.proto") return record(4, record(1, file("b.proto", {})));
  if (q.number == 3 && q.content == "c.proto")
    return record(4, record(1, file("c.proto", {"b.proto"})) + record(1, file("b.proto", {})));
  return record(7, record(2, "not found"));
}

struct Rig {
  Shard shard;
  net::FakeUpstream upstream{shard};
  net::ClientPool pool{shard, {.connect_timeout = net::patience, .dns_servers = {}}};
  mesh::Cluster cluster{"orders", *mesh::parse_addresses("grpc://127.0.0.1:" + std::to_string(upstream.port)), pool};
  std::vector<std::string> asked;  // paths

  // `serves`: the version that exists.
  void answer_as(std::string serves) {
    upstream.on_head = [this, serves](FakeConnection& c, std::int32_t id, Stream& s) {
      asked.emplace_back(s.head.get(":path"));
      if (asked.back() != "/grpc.reflection." + serves + ".ServerReflection/ServerReflectionInfo") {
        c.headers(id, {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "12"}}, true);
      } else {
        c.headers(id, ok_head, false);
      }
    };
    upstream.on_data = [](FakeConnection& c, std::int32_t id, Stream& s) {
      wire::GrpcFrameDecoder decoder(1 << 20);
      decoder.feed(Bytes::copy_of(s.body));
      s.body.clear();
      for (auto frame = decoder.next(); *frame; frame = decoder.next()) {
        c.data(id, wire::grpc_frame(0, answer_to((*frame)->payload.view())).view());
      }
    };
  }
};

TEST(ReflectionClient, ServicesByEitherVersion) {
  for (const std::string version : {"v1", "v1alpha"}) {
    Rig rig;
    rig.answer_as(version);
    const auto names = run_blocking(rig.shard, reflect_services(rig.cluster, Deadline::never()));
    ASSERT_TRUE(names.has_value()) << names.error().text();
    EXPECT_EQ(*names, (std::vector<std::string>{"shop.Orders", "grpc.reflection.v1.ServerReflection"}));
    EXPECT_EQ(rig.asked.size(), version == "v1" ? 1U : 2U);
  }
}

TEST(ReflectionClient, EveryFileOnce) {
  Rig rig;
  rig.answer_as("v1");
  const auto reflected = run_blocking(rig.shard, reflect_contract(rig.cluster, Deadline::never()));
  ASSERT_TRUE(reflected.has_value()) << reflected.error().text();
  EXPECT_EQ(reflected->files.size(), 3U);
}

TEST(ReflectionClient, FailuresSayWhatIsWrong) {
  struct Case {
    std::string_view name;
    net::FakeUpstream::OnRequest on_head;
    std::string_view expect;
  };
  const Case cases[] = {
      {"no reflection",
       [](FakeConnection& c, std::int32_t id, Stream&) {
         c.headers(id,
                   {{":status", "200"},
                    {"content-type", "application/grpc"},
                    {"grpc-status", "12"},
                    {"grpc-message", "none"}},
                   true);
       },
       "UNIMPLEMENTED (no_reflection): orders does not answer gRPC reflection: none"},
      {"HTTP 404", [](FakeConnection& c, std::int32_t id, Stream&) { c.headers(id, {{":status", "404"}}, true); },
       "UNIMPLEMENTED (no_reflection)"},
      {"permission",
       [](FakeConnection& c, std::int32_t id, Stream&) {
         c.headers(id, {{":status", "200"}, {"grpc-status", "7"}}, true);
       },
       "PERMISSION_DENIED"},
      {"an empty answer",
       [](FakeConnection& c, std::int32_t id, Stream&) {
         c.headers(id, ok_head, false);
         c.data(id, wire::grpc_frame(0, "").view());
       },
       "INTERNAL (upstream_malformed)"},
      {"ends early",
       [](FakeConnection& c, std::int32_t id, Stream&) {
         c.headers(id, ok_head, false);
         c.headers(id, {{"grpc-status", "0"}}, true);
       },
       "INTERNAL (upstream_malformed)"},
      {"hangs", [](FakeConnection&, std::int32_t, Stream&) {}, "DEADLINE_EXCEEDED"},
  };
  for (const Case& c : cases) {
    Rig rig;
    rig.upstream.on_head = c.on_head;
    const bool hangs = c.expect == "DEADLINE_EXCEEDED";
    const auto soon = Deadline::after(Clock::now(), std::chrono::milliseconds(hangs ? 50 : 60'000));
    const auto names = run_blocking(rig.shard, reflect_services(rig.cluster, soon));
    ASSERT_FALSE(names.has_value()) << c.name;
    EXPECT_TRUE(names.error().text().starts_with(c.expect)) << c.name << ": " << names.error().text();
  }
}

}  // namespace
}  // namespace parley::route
