#include "queue/sqs/settings.h"

#include <map>

#include <gtest/gtest.h>

namespace parley::queue::sqs {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

Environment of(Variables variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
}

const Variables keys = {{"AWS_ACCESS_KEY_ID", "AKID"}, {"AWS_SECRET_ACCESS_KEY", "hush"}};

Variables with(Variables more) {
  more.insert(keys.begin(), keys.end());
  return more;
}

TEST(Settings, Places) {
  struct Case {
    std::string_view address;
    Variables variables;
    std::string_view expect;  // "scheme host port region"
  };
  const Case cases[] = {
      {"sqs://eu-west-1", keys, "tls sqs.eu-west-1.amazonaws.com 443 eu-west-1"},
      {"sqs://cn-north-1", keys, "tls sqs.cn-north-1.amazonaws.com.cn 443 cn-north-1"},
      {"sqs://", with({{"AWS_REGION", "us-east-2"}}), "tls sqs.us-east-2.amazonaws.com 443 us-east-2"},
      {"sqs://", with({{"AWS_DEFAULT_REGION", "us-east-1"}}), "tls sqs.us-east-1.amazonaws.com 443 us-east-1"},
      {"sqs://sqs.example:8443?region=r1", keys, "tls sqs.example 8443 r1"},
      {"sqs://vpce-1.sqs.eu-west-1.vpce.amazonaws.com/?region=eu-west-1", keys,
       "tls vpce-1.sqs.eu-west-1.vpce.amazonaws.com 443 eu-west-1"},
      {"sqs+http://localhost:9324?region=r1", {}, "plain localhost 9324 r1"},
      {"sqs+http://[::1]:9324?region=r1", {}, "plain ::1 9324 r1"},
      {"sqs+http://127.0.0.1:9324", {{"AWS_REGION", "r2"}}, "plain 127.0.0.1 9324 r2"},
  };
  for (const Case& c : cases) {
    const Result<Settings> got = parse_settings(c.address, of(c.variables));
    ASSERT_TRUE(got.has_value()) << c.address << ": " << got.error().text();
    EXPECT_EQ(std::string(got->origin.tls ? "tls " : "plain ") + got->origin.host + " " +
                  std::to_string(got->origin.port) + " " + got->region,
              c.expect)
        << c.address;
  }
}

TEST(Settings, OptionsAndCredentials) {
  const Result<Settings> got =
      parse_settings("sqs://h.example?region=r&prefix=prod-&poll=20s&max_message=256KiB&ca=ca.pem",
                     of(with({{"AWS_SESSION_TOKEN", "brief"}})));
  ASSERT_TRUE(got.has_value()) << got.error().text();
  EXPECT_EQ(got->prefix, "prod-");
  EXPECT_EQ(got->poll, std::chrono::seconds(20));
  EXPECT_EQ(got->max_message, 256U * 1024);
  EXPECT_EQ(got->origin.tls_config.ca_file, "ca.pem");
  EXPECT_EQ(got->credentials.key_id + got->credentials.secret + got->credentials.session_token, "AKIDhushbrief");
}

TEST(Settings, MistakesSayWhatToWrite) {
  struct Case {
    std::string_view address;
    Variables variables;
    std::string_view expect;
  };
  const Case cases[] = {
      {"sqs://", keys, "no region"},
      {"sqs://eu-west-1", {}, "set AWS_ACCESS_KEY_ID"},
      {"sqs://eu-west-1", {{"AWS_ACCESS_KEY_ID", "AKID"}}, "go together"},
      {"sqs+http://eu-west-1", keys, "over TLS: write sqs://eu-west-1"},
      {"sqs://h.example:0?region=r", keys, "no port"},
      {"sqs://h.example:x?region=r", keys, "no port"},
      {"sqs://:9324?region=r", keys, "no host"},
      {"sqs://h.example/123?region=r", keys, "no path"},
      {"sqs://eu-west-1?pol=5s", keys, "no option 'pol'"},
      {"sqs://eu-west-1?poll=0", keys, "from 1s to 20s"},
      {"sqs://eu-west-1?poll=21s", keys, "from 1s to 20s"},
      {"sqs://eu-west-1?max_message=2MiB", keys, "from 1KiB to 1MiB"},
      {"https://sqs.example", keys, "expected sqs://REGION"},
      {"sqs://AKID:hush@eu-west-1", keys, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, not in the address"},
      {"sqs://AKID:hu/sh@h.example:9324?region=r", keys, "not in the address"},
      {"sqs://AKID:hu?sh@h.example:9324?region=r", keys, "not in the address"},
      {"sqs://eu-west-1?secret=hush", keys, "no option 'secret'"},
  };
  for (const Case& c : cases) {
    const Result<Settings> got = parse_settings(c.address, of(c.variables));
    ASSERT_FALSE(got.has_value()) << c.address;
    EXPECT_NE(got.error().message().find(c.expect), std::string::npos) << c.address << ": " << got.error().text();
    for (const char* part : {"hush", "hu/", "hu?", "sh@"})
      EXPECT_EQ(got.error().message().find(part), std::string::npos) << got.error().message();
  }
}

}  // namespace
}  // namespace parley::queue::sqs
