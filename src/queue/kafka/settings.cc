#include "queue/kafka/settings.h"

#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "wire/percent.h"

namespace parley::queue::kafka {
namespace {

Result<int> positive(std::string_view name, std::string_view value) {
  int number = 0;
  const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (wrong != std::errc() || end != value.data() + value.size() || number < 1) {
    return invalid(fmt::format("kafka: {} is a number from 1 on, not \"{}\"", name, value));
  }
  return number;
}

Result<void> put(int& into, std::string_view name, std::string_view value) {
  auto number = positive(name, value);
  if (!number) return fail(number.error());
  into = *number;
  return {};
}

Result<void> put(Duration& into, std::string_view name, std::string_view value) {
  const auto duration = parse_duration(value);
  if (!duration || *duration < std::chrono::milliseconds(1)) {
    return invalid(fmt::format("kafka: {} is a duration such as 10s, not \"{}\"", name, value));
  }
  into = *duration;
  return {};
}

Result<void> put_mechanism(Settings& settings, std::string_view value) {
  struct Mechanism {
    std::string_view option;
    const char* name;
  };
  constexpr Mechanism mechanisms[] = {
      {"plain", "PLAIN"}, {"scram-sha-256", "SCRAM-SHA-256"}, {"scram-sha-512", "SCRAM-SHA-512"}};
  for (const Mechanism& m : mechanisms) {
    if (value != m.option) continue;
    settings.mechanism = m.name;
    return {};
  }
  return invalid(fmt::format("kafka: sasl is plain, scram-sha-256 or scram-sha-512, not \"{}\"", value));
}

Result<void> put_dedup(Settings& settings, std::string_view value) {
  if (value != "process") return invalid(fmt::format("kafka: dedup is process or left out, not \"{}\"", value));
  settings.dedup_in_process = true;
  return {};
}

struct Option {
  std::string_view name;
  Result<void> (*take)(Settings&, std::string_view value);
};
constexpr Option options[] = {
    {"ca", [](Settings& s, std::string_view v) -> Result<void> { return s.ca = v, Result<void>(); }},
    {"dedup", put_dedup},
    {"drain", [](Settings& s, std::string_view v) { return put(s.drain, "drain", v); }},
    {"partitions", [](Settings& s, std::string_view v) { return put(s.partitions, "partitions", v); }},
    {"prefix", [](Settings& s, std::string_view v) -> Result<void> { return s.prefix = v, Result<void>(); }},
    {"replication", [](Settings& s, std::string_view v) { return put(s.replication, "replication", v); }},
    {"sasl", put_mechanism},
    {"session", [](Settings& s, std::string_view v) { return put(s.session, "session", v); }},
    {"timeout", [](Settings& s, std::string_view v) { return put(s.timeout, "timeout", v); }},
};

Result<std::string> decoded(std::string_view what, std::string_view text) {
  std::string out;
  if (!wire::decode_query_component(text, out, false))
    return invalid(fmt::format("kafka: malformed percent-encoding in the {}", what));
  return out;
}

Result<void> take_option(Settings& settings, std::string_view pair) {
  const std::size_t equals = std::min(pair.find('='), pair.size());
  const std::string_view name = pair.substr(0, equals);
  auto value = decoded("option " + std::string(name), pair.substr(std::min(equals + 1, pair.size())));
  if (!value) return fail(value.error());
  for (const Option& option : options) {
    if (option.name == name) return option.take(settings, *value);
  }
  return invalid(
      fmt::format("kafka: no option \"{}\"; there are ca, dedup, drain, partitions, prefix, replication, "
                  "sasl, session and timeout",
                  name));
}

Result<void> take_user(Settings& settings, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return invalid("kafka: user:password, but there is no password");
  auto user = decoded("user", text.substr(0, colon));
  auto password = decoded("password", text.substr(colon + 1));
  if (!user) return fail(user.error());
  if (!password) return fail(password.error());
  settings.user = *std::move(user);
  settings.password = *std::move(password);
  return {};
}

Result<void> take_brokers(Settings& settings, std::string_view hosts) {
  for (const std::string_view host : split(hosts, ',')) {
    if (host.empty()) return invalid("kafka: host:port, several parted by commas");
    if (host.find('/') != std::string_view::npos) return invalid("kafka: an address of Kafka has no path");
    const bool has_port = host.back() != ']' && host.rfind(':') != std::string_view::npos;
    settings.brokers += fmt::format("{}{}{}", settings.brokers.empty() ? "" : ",", host, has_port ? "" : ":9092");
  }
  return {};
}

}  // namespace

std::string Settings::text() const { return (tls ? "kafkas://" : "kafka://") + brokers; }

Result<Settings> parse_url(std::string_view url) {
  Settings settings;
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return invalid("kafka: kafka://host:port or kafkas://host:port");
  settings.tls = url.substr(0, scheme) == "kafkas";
  url.remove_prefix(scheme + 3);
  const std::size_t question = std::min(url.find('?'), url.size());
  std::string_view hosts = url.substr(0, question);
  if (const std::size_t at = hosts.rfind('@'); at != std::string_view::npos) {
    if (auto user = take_user(settings, hosts.substr(0, at)); !user) return fail(user.error());
    hosts.remove_prefix(at + 1);
  }
  if (hosts.ends_with('/')) hosts.remove_suffix(1);
  if (auto brokers = take_brokers(settings, hosts); !brokers) return fail(brokers.error());
  if (question == url.size()) return settings;
  // Its second half would be called an option that there is not.
  if (settings.user.empty() && url.find('@', question) != std::string_view::npos)
    return invalid("kafka: a '?' in the user or the password is written %3F, and an '@' in an option %40");
  for (const std::string_view pair : split(url.substr(question + 1), '&')) {
    if (auto option = take_option(settings, pair); !option) return fail(option.error());
  }
  return settings;
}

}  // namespace parley::queue::kafka
