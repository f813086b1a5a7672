#include "queue/rabbitmq/address.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"

namespace parley::queue::rabbitmq {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 section 2.1; nothing for a broken escape.
std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return std::nullopt;
    out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

std::unexpected<Error> wrong(std::string_view what) {
  return invalid(
      fmt::format("messages: {} (the form is rabbitmq://user:password@host:port/vhost, rabbitmqs:// for TLS)", what));
}

Result<void> set_user(std::string_view text, Address& to) {
  const std::size_t colon = text.find(':');
  const auto user = unescaped(text.substr(0, colon));
  const auto password = colon == std::string_view::npos ? std::string() : unescaped(text.substr(colon + 1));
  if (!user || !password) return wrong("a broken % escape in the user or the password");
  to.user = *user;
  to.password = *password;
  return {};
}

Result<void> set_host(std::string_view text, Address& to) {
  std::size_t colon = text.rfind(':');
  if (const std::size_t bracket = text.rfind(']'); bracket != std::string_view::npos && colon < bracket) {
    colon = std::string_view::npos;  // an IPv6 address without a port
  }
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (!host.empty()) to.host = host;
  if (colon == std::string_view::npos) return {};
  const std::string_view port = text.substr(colon + 1);
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), to.port);
  if (parsed.ec != std::errc() || parsed.ptr != port.data() + port.size() || to.port < 1 || to.port > 65535) {
    return wrong("the port is no number from 1 to 65535");
  }
  return {};
}

struct FileOption {
  std::string_view name;
  std::string Address::* member;
};
constexpr FileOption file_options[] = {{"ca", &Address::ca}, {"cert", &Address::cert}, {"key", &Address::key}};
struct TimeOption {
  std::string_view name;
  Duration Address::* member;
  Duration least;
  Duration most;
};
constexpr TimeOption time_options[] = {
    {"heartbeat", &Address::heartbeat, std::chrono::seconds(2), std::chrono::minutes(10)},
    {"consumer_timeout", &Address::consumer_timeout, std::chrono::seconds(2), std::chrono::hours(24 * 30)},
};

Result<void> set_option(std::string_view text, Address& to) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const auto value = equals == std::string_view::npos ? std::string() : unescaped(text.substr(equals + 1));
  if (!value) return wrong("a broken % escape in an option");
  for (const FileOption& o : file_options) {
    if (o.name != name) continue;
    to.*o.member = *value;
    return {};
  }
  for (const TimeOption& o : time_options) {
    if (o.name != name) continue;
    const auto time = parse_duration(*value);
    if (!time || *time < o.least || *time > o.most) return wrong(fmt::format("{} is no time in its range", name));
    to.*o.member = *time;
    return {};
  }
  if (name == "dedup") {
    if (*value != "process") return wrong("dedup is \"process\", or left out");
    to.dedup_in_process = true;
    return {};
  }
  return wrong(fmt::format("no option \"{}\"; there are ca, cert, key, heartbeat, consumer_timeout and dedup", name));
}

}  // namespace

std::string Address::text() const {
  return fmt::format("{}://{}:{}/{}", tls ? "rabbitmqs" : "rabbitmq", host, port, vhost == "/" ? "" : vhost);
}

Result<Address> parse_address(std::string_view url) {
  Address out;
  if (url.starts_with("rabbitmqs://")) {
    out.tls = true;
    out.port = 5671;
  } else if (!url.starts_with("rabbitmq://")) {
    return wrong("no rabbitmq:// address");
  }
  url.remove_prefix(url.find("://") + 3);
  const std::size_t question = url.find('?');
  std::string_view options = question == std::string_view::npos ? std::string_view() : url.substr(question + 1);
  url = url.substr(0, question);
  const std::size_t slash = url.find('/');
  std::string_view host = url.substr(0, slash);
  // Its second half would be called an option that there is not.
  if (url.find('@') == std::string_view::npos && options.find('@') != std::string_view::npos)
    return wrong("a '?' in the user or the password is written %3F, and an '@' in an option %40");
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) {
    if (auto set = set_user(host.substr(0, at), out); !set) return fail(set.error());
    host.remove_prefix(at + 1);
  }
  if (auto set = set_host(host, out); !set) return fail(set.error());
  if (slash != std::string_view::npos && slash + 1 < url.size()) {
    const auto vhost = unescaped(url.substr(slash + 1));
    if (!vhost || url.substr(slash + 1).find_first_of("/@") != std::string_view::npos)
      return wrong("the vhost is not escaped");
    out.vhost = *vhost;
  }
  if (!options.empty()) {
    for (const std::string_view option : split(options, '&')) {
      if (auto set = set_option(option, out); !set) return fail(set.error());
    }
  }
  if (!out.tls && !(out.ca.empty() && out.cert.empty() && out.key.empty())) {
    return wrong("ca, cert and key are for rabbitmqs://");
  }
  if (out.cert.empty() != out.key.empty()) return wrong("cert and key go together");
  return out;
}

}  // namespace parley::queue::rabbitmq
