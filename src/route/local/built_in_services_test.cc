// Health and reflection, called as any edge would call them.
#include "route/local/built_in_services.h"

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "contract/load.h"
#include "loop/shard.h"
#include "loop/task_group.h"
#include "route/local/reflection.h"

namespace parley::route {
namespace {

namespace pb = google::protobuf;

class UserFront final : public Front {
 public:
  UserFront() : contract_(contract::load({std::string(PARLEY_SOURCE_DIR) + "/examples/shop/contracts"}).contract) {}
  contract::ContractPtr contract() const override { return contract_; }
  HandlerPtr handler(const contract::Method&) const override { return nullptr; }

 private:
  contract::ContractPtr contract_;
};

class SwitchedReadiness final : public Readiness {
 public:
  std::optional<bool> is_ready(std::string_view service) const override {
    const auto at = ready.find(std::string(service));
    return at == ready.end() ? std::nullopt : std::optional(at->second);
  }
  std::vector<std::string> services() const override { return {"shop.Orders", "shop.Payments"}; }
  bool is_draining() const override { return draining; }

  std::map<std::string, bool> ready = {{"", true}, {"shop.Orders", true}, {"shop.Payments", false}};
  bool draining = false;
};

class BuiltInServicesTest : public testing::Test {
 protected:
  BuiltInServicesTest() : built_in(user, readiness) { shard.use_fake_time(); }

  void settle() {
    shard.run_until([] { return true; });
  }

  // One call: its requests, then its end. `meanwhile` runs once nothing moves any more.
  struct Outcome {
    std::vector<std::string> replies;
    Code code = Code::ok;
    std::string message;
  };
  Outcome call(std::string_view path, const std::vector<std::string>& requests,
               const std::function<void(Call&)>& meanwhile = {}) {
    const contract::Method* method = built_in.contract()->find(path);
    if (method == nullptr) return {{}, Code::unimplemented, "no method"};
    Call call(built_in.contract(), *method, "test");
    for (const std::string& request : requests) call.requests.push(Bytes(request));
    call.requests.end();
    const HandlerPtr handler = built_in.handler(*method);
    TaskGroup tasks;
    tasks.spawn(answer(*handler, call));
    settle();
    if (meanwhile) meanwhile(call);
    settle();
    EXPECT_EQ(tasks.live(), 0U) << path;
    Outcome outcome;
    while (call.replies.count() > 0) outcome.replies.emplace_back((*call.replies.take())->view());
    if (call.status() != nullptr) outcome.code = call.status()->code(), outcome.message = call.status()->message();
    return outcome;
  }

  std::string watched(std::string_view service, const std::function<void(Call&)>& meanwhile) {
    const auto outcome =
        call("/grpc.health.v1.Health/Watch", {HealthCheckRequest{std::string(service)}.to_wire()}, meanwhile);
    std::string seen;
    for (const std::string& reply : outcome.replies) {
      seen += std::to_string(static_cast<int>(HealthCheckResponse::from_wire(reply)->status)) + " ";
    }
    return seen + std::string(lower_name(outcome.code));
  }

  // The answer to one request of reflection.
  ReflectionResponse reflect(const std::string& request, std::string_view version = "v1") {
    const auto outcome =
        call("/grpc.reflection." + std::string(version) + ".ServerReflection/ServerReflectionInfo", {request});
    EXPECT_EQ(outcome.replies.size(), 1U);
    return outcome.replies.empty() ? ReflectionResponse{} : *ReflectionResponse::from_wire(outcome.replies.front());
  }

  Shard shard;
  UserFront user;
  SwitchedReadiness readiness;
  BuiltInServices built_in;
};

// The texts of one repeated field.
std::vector<std::string> texts(std::string_view wire, std::uint32_t field) {
  std::vector<std::string> out;
  WireFields fields(wire);
  while (const auto record = *fields.next()) {
    if (record->field == field) out.emplace_back(record->text);
  }
  return out;
}

std::vector<std::string> file_names(const ReflectionResponse& response) {
  std::vector<std::string> names;
  for (const std::string& wire : texts(response.answer, 1)) {
    pb::FileDescriptorProto file;
    EXPECT_TRUE(file.ParseFromString(wire));
    names.push_back(file.name());
  }
  return names;
}

TEST_F(BuiltInServicesTest, check) {
  const struct {
    std::string service;
    Code code;
    ServingStatus status;
  } cases[] = {
      {"", Code::ok, ServingStatus::serving},
      {"shop.Orders", Code::ok, ServingStatus::serving},
      {"shop.Payments", Code::ok, ServingStatus::not_serving},
      {"shop.Nothing", Code::not_found, {}},
  };
  for (const auto& c : cases) {
    const auto outcome = call("/grpc.health.v1.Health/Check", {HealthCheckRequest{c.service}.to_wire()});
    EXPECT_EQ(outcome.code, c.code) << c.service;
    if (c.code == Code::ok)
      EXPECT_EQ(HealthCheckResponse::from_wire(outcome.replies.at(0))->status, c.status) << c.service;
  }
  readiness.draining = true;
  const auto outcome = call("/grpc.health.v1.Health/Check", {""});
  EXPECT_EQ(HealthCheckResponse::from_wire(outcome.replies.at(0))->status, ServingStatus::not_serving);
}

TEST_F(BuiltInServicesTest, a_malformed_request_is_the_callers_fault) {
  EXPECT_EQ(call("/grpc.health.v1.Health/Check", {"\x0a\xff"}).code, Code::invalid_argument);
  EXPECT_EQ(call("/grpc.health.v1.Health/Check", {}).code, Code::unimplemented);
  EXPECT_EQ(call("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", {"\x07"}).code, Code::invalid_argument);
}

TEST_F(BuiltInServicesTest, list) {
  const auto outcome = call("/grpc.health.v1.Health/List", {""});
  ASSERT_EQ(outcome.replies.size(), 1U);
  const auto response = HealthListResponse::from_wire(outcome.replies[0]);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->statuses.size(), 3U);
  EXPECT_EQ(response->statuses.at("").status, ServingStatus::serving);
  EXPECT_EQ(response->statuses.at("shop.Orders").status, ServingStatus::serving);
  EXPECT_EQ(response->statuses.at("shop.Payments").status, ServingStatus::not_serving);
}

TEST_F(BuiltInServicesTest, watch_tells_of_changes_until_it_is_cancelled) {
  const auto cancel = [](Call& call) { call.cancel(Error(Code::cancelled, Blame::caller, "enough")); };
  // Replies that were not read are dropped by the cancellation: what is counted is what was written before it.
  std::size_t told = 0;
  const auto outcome =
      call("/grpc.health.v1.Health/Watch", {HealthCheckRequest{"shop.Orders"}.to_wire()}, [&](Call& call) {
        readiness.changed().notify();  // nothing changed: nothing is told
        settle();
        readiness.ready["shop.Orders"] = false;
        readiness.changed().notify();
        settle();
        told = call.replies.count();
        cancel(call);
      });
  EXPECT_EQ(told, 2U);
  EXPECT_EQ(outcome.code, Code::cancelled);
}

TEST_F(BuiltInServicesTest, watch_of_an_unknown_service_waits_for_it_and_ends_when_the_server_drains) {
  EXPECT_EQ(watched("shop.New",
                    [&](Call&) {
                      readiness.ready["shop.New"] = true;
                      readiness.changed().notify();
                      settle();
                      readiness.draining = true;
                      readiness.changed().notify();
                    }),
            "3 1 2 unavailable");
}

TEST_F(BuiltInServicesTest, reflection_lists_services_of_the_contract_and_its_own) {
  const std::string list = WireWriter().part(7, "*").take();
  for (const char* version : {"v1", "v1alpha"}) {
    const auto response = reflect(list, version);
    EXPECT_EQ(response.kind, ReflectionResponse::services);
    EXPECT_EQ(response.request, list);
    std::vector<std::string> names;
    for (const std::string& service : texts(response.answer, 1)) names.push_back(texts(service, 1).at(0));
    for (const char* expected : {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                                 "grpc.reflection.v1alpha.ServerReflection", "shop.Orders", "shop.Catalog"}) {
      EXPECT_NE(std::ranges::find(names, expected), names.end()) << expected;
    }
  }
}

TEST_F(BuiltInServicesTest, reflection_sends_files_with_what_they_import) {
  const struct {
    std::string name, request;
    std::string first;
  } cases[] = {
      {"by name", WireWriter().part(3, "shop/orders.proto").take(), "shop/orders.proto"},
      {"by service", WireWriter().part(4, "shop.Orders").take(), "shop/orders.proto"},
      {"by method", WireWriter().part(4, "shop.Orders.GetOrder").take(), "shop/orders.proto"},
      {"a built-in service", WireWriter().part(4, "grpc.health.v1.Health").take(), "grpc/health/v1/health.proto"},
      {"an option by number",
       WireWriter().part(5, WireWriter().text(1, "google.protobuf.MethodOptions").number(2, 72295728).take()).take(),
       "google/api/annotations.proto"},
  };
  for (const auto& c : cases) {
    const auto response = reflect(c.request);
    ASSERT_EQ(response.kind, ReflectionResponse::files) << c.name;
    const auto names = file_names(response);
    ASSERT_FALSE(names.empty()) << c.name;
    EXPECT_EQ(names.front(), c.first) << c.name;
  }
  // The set is closed: a tool can link what it got.
  pb::DescriptorPool pool;
  auto wires = texts(reflect(cases[0].request).answer, 1);
  for (std::size_t round = 0; round < wires.size(); ++round) {
    for (const std::string& wire : wires) {
      pb::FileDescriptorProto file;
      ASSERT_TRUE(file.ParseFromString(wire));
      bool ready = pool.FindFileByName(file.name()) == nullptr;
      for (const std::string& import : file.dependency()) ready = ready && pool.FindFileByName(import) != nullptr;
      if (ready) EXPECT_NE(pool.BuildFile(file), nullptr) << file.name();
    }
  }
  EXPECT_NE(pool.FindServiceByName("shop.Orders"), nullptr);
}

TEST_F(BuiltInServicesTest, reflection_does_not_send_an_import_twice_on_one_stream) {
  const std::string request = WireWriter().part(3, "shop/orders.proto").take();
  const auto outcome = call("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", {request, request});
  ASSERT_EQ(outcome.replies.size(), 2U);
  EXPECT_GT(file_names(*ReflectionResponse::from_wire(outcome.replies[0])).size(), 1U);
  EXPECT_EQ(file_names(*ReflectionResponse::from_wire(outcome.replies[1])),
            std::vector<std::string>{"shop/orders.proto"});
}

TEST_F(BuiltInServicesTest, reflection_errors_are_replies) {
  const struct {
    std::string name, request;
    std::uint64_t code;
  } cases[] = {
      {"unknown file", WireWriter().part(3, "nothing.proto").take(), 5},
      {"unknown symbol", WireWriter().part(4, "shop.Nothing").take(), 5},
      {"unknown type", WireWriter().part(6, "shop.Nothing").take(), 5},
      {"unknown extension", WireWriter().part(5, WireWriter().text(1, "shop.Order").number(2, 7).take()).take(), 5},
      {"nothing asked", "", 3},
  };
  for (const auto& c : cases) {
    const auto response = reflect(c.request);
    EXPECT_EQ(response.kind, ReflectionResponse::error) << c.name;
    EXPECT_EQ((*WireFields(response.answer).next())->number, c.code) << c.name;
  }
}

TEST_F(BuiltInServicesTest, extension_numbers_of_a_type) {
  const auto response = reflect(WireWriter().part(6, "google.protobuf.MethodOptions").take());
  EXPECT_EQ(response.kind, ReflectionResponse::extension_numbers);
  EXPECT_EQ(texts(response.answer, 1).at(0), "google.protobuf.MethodOptions");
  bool has_http = false;
  WireFields fields(response.answer);
  while (const auto record = *fields.next()) has_http = has_http || (record->field == 2 && record->number == 72295728);
  EXPECT_TRUE(has_http);
}

TEST_F(BuiltInServicesTest, takes_its_own_paths_only) {
  const struct {
    std::string_view path;
    bool takes;
  } cases[] = {{"/grpc.health.v1.Health/Check", true},
               {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", true},
               {"/grpc.health.v1.Health/Nothing", false},
               {"/shop.Orders/GetOrder", false},
               {"/v1/orders", false}};
  for (const auto& c : cases) EXPECT_EQ(built_in.takes(c.path), c.takes) << c.path;
}

TEST_F(BuiltInServicesTest, readiness_of_the_contract) {
  ContractReadiness ready(user);
  EXPECT_EQ(ready.is_ready(""), true);
  EXPECT_EQ(ready.is_ready("shop.Orders"), true);
  EXPECT_EQ(ready.is_ready("grpc.health.v1.Health"), true);
  EXPECT_EQ(ready.is_ready("shop.Nothing"), std::nullopt);
  EXPECT_FALSE(ready.services().empty());
  ready.drain();
  EXPECT_EQ(ready.is_ready("shop.Orders"), false);
}

}  // namespace
}  // namespace parley::route
