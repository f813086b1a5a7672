#include "net/cors.h"

#include <gtest/gtest.h>

namespace parley::net {
namespace {

RequestHead from(std::string_view origin, bool preflight = false, std::string_view headers = {}) {
  RequestHead head{
      .method = preflight ? "OPTIONS" : "GET", .scheme = "https", .authority = "api", .target = "/", .fields = {}};
  if (!origin.empty()) head.fields.add("origin", origin);
  if (preflight) head.fields.add("access-control-request-method", "PUT");
  if (!headers.empty()) head.fields.add("access-control-request-headers", headers);
  return head;
}

struct OriginCase {
  std::string_view pattern;
  std::string_view origin;
  bool allowed;
};

TEST(Cors, Origins) {
  const OriginCase cases[] = {
      {"https://shop.example", "https://shop.example", true},
      {"https://shop.example", "http://shop.example", false},
      {"https://shop.example", "https://shop.example:8443", false},
      {"https://shop.example", "https://shop.example.evil", false},
      {"https://*.shop.example", "https://a.shop.example", true},
      {"https://*.shop.example", "https://a.b.shop.example", true},
      {"https://*.shop.example", "https://shop.example", false},
      {"https://*.shop.example", "https://evil/.shop.example", false},
      {"https://*.shop.example", "https://evilshop.example", false},
      {"*", "https://anything", true},
      {"null", "null", true},
      {"https://shop.example", "null", false},
  };
  for (const OriginCase& c : cases) {
    EXPECT_EQ(Cors(CorsConfig{.origins = {std::string(c.pattern)}, .headers = {}}).allows(c.origin), c.allowed)
        << c.pattern << " " << c.origin;
  }
}

TEST(Cors, PreflightSaysWhatIsAllowed) {
  const Cors cors(
      CorsConfig{.origins = {"https://a"}, .headers = {}, .credentials = true, .max_age = std::chrono::minutes(10)});
  const std::vector<std::string> methods = {"GET", "PUT"};
  const auto head = cors.preflight(from("https://a", true, "content-type, x-y"), methods);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 204);
  EXPECT_EQ(head->fields.get("access-control-allow-origin"), "https://a");
  EXPECT_EQ(head->fields.get("access-control-allow-credentials"), "true");
  EXPECT_EQ(head->fields.get("access-control-allow-methods"), "GET, PUT");
  EXPECT_EQ(head->fields.get("access-control-allow-headers"), "content-type, x-y");
  EXPECT_EQ(head->fields.get("access-control-max-age"), "600");
  EXPECT_NE(head->fields.get("vary").find("origin"), std::string_view::npos);

  const auto refused = cors.preflight(from("https://b", true), methods);
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->fields.has("access-control-allow-origin"));
  EXPECT_FALSE(cors.preflight(from("https://a"), methods)) << "not a preflight";
  EXPECT_FALSE(Cors({}).preflight(from("https://a", true), methods)) << "nothing is configured";
}

TEST(Cors, ConfiguredHeadersBoundThePages) {
  const Cors cors(CorsConfig{.origins = {"*"}, .headers = {"x-a", "x-b"}});
  const auto head = cors.preflight(from("https://a", true, "x-c"), {});
  EXPECT_EQ(head->fields.get("access-control-allow-headers"), "x-a, x-b");
}

TEST(Cors, AnswersExposeTheirHeaders) {
  const Cors any(CorsConfig{.origins = {"*"}, .headers = {}});
  Fields fields = {{"content-type", "x"}, {"x-answer", "1"}, {"set-cookie", "a=b"}};
  any.permit(from("https://a"), fields);
  EXPECT_EQ(fields.get("access-control-allow-origin"), "*");
  EXPECT_EQ(fields.get("access-control-expose-headers"),
            "grpc-status, grpc-message, grpc-status-details-bin, x-answer");
  EXPECT_FALSE(fields.has("vary")) << "the same for every origin";

  const Cors some(CorsConfig{.origins = {"https://a"}, .headers = {}});
  Fields refused;
  some.permit(from("https://b"), refused);
  EXPECT_FALSE(refused.has("access-control-allow-origin"));
  EXPECT_EQ(refused.get("vary"), "origin") << "a cache must not give this answer to another origin";

  const Cors with_credentials(CorsConfig{.origins = {"*"}, .headers = {}, .credentials = true});
  Fields named;
  with_credentials.permit(from("https://a"), named);
  EXPECT_EQ(named.get("access-control-allow-origin"), "https://a") << "a star and credentials do not go together";
}

}  // namespace
}  // namespace parley::net
