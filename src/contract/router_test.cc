#include "contract/router.h"

#include <chrono>
#include <cstdio>

#include <gtest/gtest.h>

#include "contract/contract.h"
#include "contract/path_template.h"

namespace parley::contract {
namespace {

// Rules without a contract: method "n" has the n-th rule.
class Routes {
 public:
  Routes(std::initializer_list<std::pair<const char*, const char*>> rules) {
    Service service{"test.Service", {}, nullptr};
    for (const auto& [verb, pattern] : rules) {
      auto parsed = parse_path_template(pattern);
      EXPECT_TRUE(parsed.has_value()) << pattern;
      HttpRule rule;
      rule.verb = verb;
      rule.pattern = pattern;
      rule.segments = parsed->segments;
      rule.variables = parsed->variables;
      rule.colon_verb = parsed->colon_verb;
      Method method{};
      method.name = std::string(verb) + " " + pattern;
      method.rules.push_back(rule);
      service.methods.push_back(method);
    }
    services_.push_back(service);
    router_ = make_router(services_);
  }

  // "GET /v1/{id} id=7", or the error's reason.
  std::string operator()(std::string_view verb, std::string_view path) const {
    const auto match = router_->match(verb, path);
    if (!match) return std::string(match.error().reason());
    std::string out = match->method->name;
    for (const Binding& b : match->bindings) out += " " + b.variable->field_path + "=" + b.value;
    return out;
  }
  const Router& router() const { return *router_; }

 private:
  std::vector<Service> services_;
  std::unique_ptr<Router> router_;
};

struct Case {
  const char* name;
  const char* verb;
  const char* path;
  const char* want;
};

void check(const Routes& routes, std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(routes(c.verb, c.path), c.want) << c.name << ": " << c.verb << " " << c.path;
}

TEST(Router, LiteralsWinOverStarsAndStarsOverDoubleStars) {
  const Routes routes{{"GET", "/v1/{rest=**}"}, {"GET", "/v1/{id}"},   {"GET", "/v1/me"},
                      {"GET", "/v1/{id}/x"},    {"GET", "/v1/me/{y}"}, {"GET", "/v1/{a}/{b}/{c}"},
                      {"GET", "/v1/me/x/z"},    {"POST", "/v1/me"}};
  check(routes, {
                    {"literal", "GET", "/v1/me", "GET /v1/me"},
                    {"star", "GET", "/v1/you", "GET /v1/{id} id=you"},
                    {"literal first, then star", "GET", "/v1/me/x", "GET /v1/me/{y} y=x"},
                    {"star, then literal", "GET", "/v1/you/x", "GET /v1/{id}/x id=you"},
                    {"back from a literal that leads nowhere", "GET", "/v1/me/y/z", "GET /v1/{a}/{b}/{c} a=me b=y c=z"},
                    {"longest literal", "GET", "/v1/me/x/z", "GET /v1/me/x/z"},
                    {"the rest", "GET", "/v1/a/b/c/d", "GET /v1/{rest=**} rest=a/b/c/d"},
                    {"a rest of nothing", "GET", "/v1", "GET /v1/{rest=**} rest="},
                    {"a rest of one empty segment", "GET", "/v1/", "GET /v1/{rest=**} rest="},
                    {"empty segments inside a rest", "GET", "/v1/a//b", "GET /v1/{rest=**} rest=a//b"},
                });
}

TEST(Router, CutsAndDecodesInThatOrder) {
  const Routes routes{{"GET", "/v1/one/{id}"},      {"GET", "/v1/{name=two/*}"}, {"GET", "/v1/files/{path=**}"},
                      {"GET", "/v1/caf%C3%A9/{x}"}, {"GET", "/v1/a%2Fb"},        {"GET", "/v1/kind/{kind=orders}"}};
  check(routes,
        {
            {"one segment decodes a slash", "GET", "/v1/one/a%2Fb", "GET /v1/one/{id} id=a/b"},
            {"several segments keep it", "GET", "/v1/two/a%2Fb", "GET /v1/{name=two/*} name=two/a%2Fb"},
            {"and decode the others", "GET", "/v1/two/a%20b%2fc", "GET /v1/{name=two/*} name=two/a b%2fc"},
            {"a rest keeps it", "GET", "/v1/files/a/b%2Fc%21", "GET /v1/files/{path=**} path=a/b%2Fc!"},
            {"an encoded slash does not cut", "GET", "/v1/one%2Fx", "no_route"},
            {"a literal in any spelling", "GET", "/v1/caf%c3%a9/1", "GET /v1/caf%C3%A9/{x} x=1"},
            {"a literal letter by letter", "GET", "/v1/%6Fne/7", "GET /v1/one/{id} id=7"},
            {"raw UTF-8", "GET", "/v1/caf\xC3\xA9/1", "GET /v1/caf%C3%A9/{x} x=1"},
            {"a literal with a slash in it", "GET", "/v1/a%2fb", "GET /v1/a%2Fb"},
            {"a variable that is a literal", "GET", "/v1/kind/orders", "GET /v1/kind/{kind=orders} kind=orders"},
            {"a plus stays", "GET", "/v1/one/a+b", "GET /v1/one/{id} id=a+b"},
            {"cut short", "GET", "/v1/one/%2", "malformed_path"},
            {"not hexadecimal", "GET", "/v1/one/%xy", "malformed_path"},
            {"not UTF-8", "GET", "/v1/one/%ff", "malformed_path"},
            {"overlong UTF-8", "GET", "/v1/one/%c0%af", "malformed_path"},
            {"a surrogate", "GET", "/v1/one/%ed%a0%80", "malformed_path"},
            {"an empty segment is no value", "GET", "/v1/one/", "no_route"},
            {"a trailing slash is another path", "GET", "/v1/one/7/", "no_route"},
            {"a double slash is another path", "GET", "/v1//one/7", "no_route"},
            {"no slash", "GET", "v1/one/7", "no_route"},
            {"nothing", "GET", "", "no_route"},
            {"OPTIONS *", "OPTIONS", "*", "no_route"},
        });
}

TEST(Router, VerbsStandAfterTheLastSlashAndWhereRegistered) {
  const Routes routes{{"GET", "/v1/{name=orders/*}"},
                      {"POST", "/v1/{name=orders/*}:cancel"},
                      {"GET", "/v1/{name=orders/*}:watch"},
                      {"POST", "/v1/orders:import"},
                      {"GET", "/v1/plain/{id}"},
                      {"GET", "/v1/deep/{path=**}:raw"},
                      {"GET", "/v1/deep/{path=**}"}};
  check(
      routes,
      {
          {"after a variable", "POST", "/v1/orders/7:cancel", "POST /v1/{name=orders/*}:cancel name=orders/7"},
          {"after a literal", "POST", "/v1/orders:import", "POST /v1/orders:import"},
          {"without it", "GET", "/v1/orders/7", "GET /v1/{name=orders/*} name=orders/7"},
          {"an unknown one belongs to the value", "GET", "/v1/orders/7:x", "GET /v1/{name=orders/*} name=orders/7:x"},
          {"one that is not registered here", "GET", "/v1/plain/7:cancel", "GET /v1/plain/{id} id=7:cancel"},
          {"the last colon counts", "GET", "/v1/orders/a:b:watch", "GET /v1/{name=orders/*}:watch name=orders/a:b"},
          {"before the last slash it is text", "GET", "/v1/deep/a:raw/b", "GET /v1/deep/{path=**} path=a:raw/b"},
          {"after a rest", "GET", "/v1/deep/a/b:raw", "GET /v1/deep/{path=**}:raw path=a/b"},
          {"encoded it is text", "GET", "/v1/orders/7%3Awatch", "GET /v1/{name=orders/*} name=orders/7:watch"},
          {"its letters may be encoded", "GET", "/v1/orders/7:w%61tch", "GET /v1/{name=orders/*}:watch name=orders/7"},
          {"case counts", "POST", "/v1/orders/7:Cancel", "method_not_allowed"},
          {"nothing before it", "POST", "/v1/orders/:cancel", "method_not_allowed"},
          {"an empty one", "GET", "/v1/orders/7:", "GET /v1/{name=orders/*} name=orders/7:"},
      });
}

TEST(Router, ChoosesByVerb) {
  const Routes routes{{"GET", "/a"},    {"POST", "/a"},  {"REPORT", "/a"}, {"*", "/any"}, {"GET", "/any"},
                      {"POST", "/b/c"}, {"GET", "/b/*"}, {"GET", "/h"},    {"HEAD", "/h"}};
  check(routes, {
                    {"exact", "POST", "/a", "POST /a"},
                    {"custom kind", "REPORT", "/a", "REPORT /a"},
                    {"HEAD is answered by GET", "HEAD", "/a", "GET /a"},
                    {"a HEAD rule comes first", "HEAD", "/h", "HEAD /h"},
                    {"every verb", "DELETE", "/any", "* /any"},
                    {"an exact one wins over every", "GET", "/any", "GET /any"},
                    {"GET for HEAD wins over every", "HEAD", "/any", "GET /any"},
                    {"case counts", "get", "/a", "method_not_allowed"},
                    {"a literal without the verb gives way", "GET", "/b/c", "GET /b/*"},
                    {"not allowed", "PUT", "/b/c", "method_not_allowed"},
                    {"no path", "GET", "/nowhere", "no_route"},
                });
  using List = std::vector<std::string>;
  EXPECT_EQ(routes.router().allowed("/a"), (List{"GET", "HEAD", "POST", "REPORT"}));
  EXPECT_EQ(routes.router().allowed("/b/c"), (List{"GET", "HEAD", "POST"}));
  EXPECT_EQ(routes.router().allowed("/any"), (List{"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"}));
  EXPECT_EQ(routes.router().allowed("/nowhere"), List{});
  EXPECT_EQ(routes.router().allowed("/%"), List{});
  EXPECT_EQ(routes.router().match("PUT", "/a").error().message(),
            "PUT is not allowed here; allowed: GET, HEAD, POST, REPORT");
  EXPECT_EQ(routes.router().match("PUT", "/a").error().code(), Code::unimplemented);
}

TEST(Router, TakesADoubleStarBeforeATail) {
  const Routes routes{{"GET", "/r/{path=**}/raw"},
                      {"GET", "/r/{path=**}/raw/{n}"},
                      {"GET", "/r/{path=**}"},
                      {"GET", "/q/{a}/**/{b=x/*}"}};
  check(routes, {
                    {"tail", "GET", "/r/a/b/raw", "GET /r/{path=**}/raw path=a/b"},
                    {"tail and a variable", "GET", "/r/a/b/raw/7", "GET /r/{path=**}/raw/{n} path=a/b n=7"},
                    {"no tail", "GET", "/r/a/b", "GET /r/{path=**} path=a/b"},
                    {"the longer tail wins", "GET", "/r/raw/raw", "GET /r/{path=**}/raw/{n} path= n=raw"},
                    {"nothing before the tail", "GET", "/r/raw", "GET /r/{path=**}/raw path="},
                    {"variables on both sides", "GET", "/q/1/2/3/x/4", "GET /q/{a}/**/{b=x/*} a=1 b=x/4"},
                    {"a double star of nothing", "GET", "/q/1/x/4", "GET /q/{a}/**/{b=x/*} a=1 b=x/4"},
                });
}

TEST(Router, TheRootIsAPath) {
  const Routes routes{{"GET", "/"}};
  EXPECT_EQ(routes("GET", "/"), "GET /");
  EXPECT_EQ(routes("GET", "//"), "no_route");
}

TEST(Router, ALongPathEndsInTime) {
  const Routes routes{{"GET", "/{a}/{p=**}/x/{b}/y"}, {"GET", "/a/{p=**}/x/{b}/y"}};
  std::string path = "/a";
  for (int i = 0; i < 20000; ++i) path += "/x";
  EXPECT_EQ(routes("GET", path), "no_route");
}

TEST(Router, ALookUpTakesWellUnderAMicrosecond) {
  Service service{"shop.Service", {}, nullptr};
  for (int i = 0; i < 500; ++i) {
    HttpRule rule;
    rule.verb = "GET";
    auto parsed = parse_path_template("/v1/{name=things" + std::to_string(i) + "/*}");
    rule.segments = parsed->segments;
    rule.variables = parsed->variables;
    Method method{};
    method.rules.push_back(rule);
    service.methods.push_back(method);
  }
  const std::vector<Service> services{service};
  const auto router = make_router(services);
  std::int64_t best = INT64_MAX;
  for (int round = 0; round < 20; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(router->match("GET", "/v1/things321/42").has_value());
    const auto took = std::chrono::steady_clock::now() - start;
    best = std::min<std::int64_t>(best, std::chrono::duration_cast<std::chrono::nanoseconds>(took).count() / 1000);
  }
  std::printf("router: %lld ns a look-up among 500 rules\n", static_cast<long long>(best));
  EXPECT_LT(best, 20'000);  // a debug build under sanitizers on a busy machine
}

}  // namespace
}  // namespace parley::contract
