#include "queue/sqs/settings.h"

#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include "base/text.h"

namespace parley::queue::sqs {
namespace {

constexpr std::string_view tls_scheme = "sqs://";
constexpr std::string_view plain_scheme = "sqs+http://";

// A region is a word without dots; a host has dots or a port, or is localhost.
bool is_region(std::string_view word) {
  return word.find_first_of(".:[]") == std::string_view::npos && word != "localhost";
}

std::string host_of_region(std::string_view region) {
  return fmt::format("sqs.{}.amazonaws.com{}", region, region.starts_with("cn-") ? ".cn" : "");
}

bool read_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

Result<void> read_place(std::string_view place, net::Origin& origin) {
  origin.port = origin.tls ? 443 : 80;
  const auto colon = place.find(':', place.starts_with('[') ? place.find(']') : 0);
  origin.host = place.substr(0, colon);
  if (origin.host.starts_with('[') && origin.host.ends_with(']')) {
    origin.host = origin.host.substr(1, origin.host.size() - 2);
  }
  if (origin.host.empty()) return invalid(fmt::format("no host in '{}'", place));
  if (colon != std::string_view::npos && !read_port(place.substr(colon + 1), origin.port))
    return invalid(fmt::format("no port: '{}'", place.substr(colon + 1)));
  return {};
}

Result<void> read_option(std::string_view name, std::string_view value, Settings& to) {
  if (name == "region") {
    to.region = value;
  } else if (name == "prefix") {
    to.prefix = value;
  } else if (name == "ca") {
    to.origin.tls_config.ca_file = value;
  } else if (name == "poll") {
    const std::optional<Duration> poll = parse_duration(value);
    if (!poll || *poll < std::chrono::seconds(1) || *poll > std::chrono::seconds(20))
      return invalid(fmt::format("poll={}: from 1s to 20s", value));
    to.poll = *poll;
  } else if (name == "max_message") {
    const std::optional<std::int64_t> bytes = parse_bytes(value);
    if (!bytes || *bytes < 1024 || *bytes > 1 << 20)
      return invalid(fmt::format("max_message={}: from 1KiB to 1MiB", value));
    to.max_message = static_cast<std::size_t>(*bytes);
  } else {
    return invalid(fmt::format("no option '{}': there are region, prefix, poll, max_message and ca", name));
  }
  return {};
}

Result<void> read_credentials(const Environment& environment, Settings& to) {
  to.credentials.key_id = environment("AWS_ACCESS_KEY_ID").value_or("");
  to.credentials.secret = environment("AWS_SECRET_ACCESS_KEY").value_or("");
  to.credentials.session_token = environment("AWS_SESSION_TOKEN").value_or("");
  if (to.credentials.key_id.empty() != to.credentials.secret.empty())
    return invalid("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: one of them is not set");
  if (to.credentials.empty() && to.origin.tls)
    return invalid("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  return {};
}

Result<Settings> parse(std::string_view address, const Environment& environment) {
  Settings out;
  out.origin.tls = address.starts_with(tls_scheme);
  if (!out.origin.tls && !address.starts_with(plain_scheme))
    return invalid("expected sqs://REGION, sqs://HOST:PORT?region=REGION or sqs+http://HOST:PORT?region=REGION");
  address.remove_prefix(out.origin.tls ? tls_scheme.size() : plain_scheme.size());
  if (address.find('@') != std::string_view::npos)
    return invalid("credentials are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, not in the address");
  const auto question = address.find('?');
  std::string_view place = address.substr(0, question);
  if (place.ends_with('/')) place.remove_suffix(1);
  if (place.find('/') != std::string_view::npos) return invalid("an address of SQS has no path");
  if (question != std::string_view::npos) {
    for (const std::string_view option : split(address.substr(question + 1), '&')) {
      const auto at = option.find('=');
      const auto value = at == std::string_view::npos ? std::string_view() : option.substr(at + 1);
      if (auto read = read_option(option.substr(0, at), value, out); !read) return fail(std::move(read).error());
    }
  }
  const bool own = !place.empty() && !is_region(place);
  if (!own && !place.empty()) out.region = place;
  if (out.region.empty()) out.region = environment("AWS_REGION").value_or("");
  if (out.region.empty()) out.region = environment("AWS_DEFAULT_REGION").value_or("");
  if (out.region.empty()) return invalid("no region: write sqs://eu-west-1 or ?region=eu-west-1, or set AWS_REGION");
  if (!own && !out.origin.tls) return invalid("AWS is reached over TLS: write sqs://" + out.region);
  const std::string region_host = host_of_region(out.region);
  if (auto read = read_place(own ? place : region_host, out.origin); !read) return fail(std::move(read).error());
  if (auto read = read_credentials(environment, out); !read) return fail(std::move(read).error());
  return out;
}

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<Settings> parse_settings(std::string_view address, const Environment& environment) {
  Result<Settings> out = parse(address, environment);
  // As far as there can be no secret in it.
  const bool has_user = address.find('@') != std::string_view::npos;
  const std::string_view shown = address.substr(0, address.find_first_of(has_user ? ":" : "?"));
  if (!out) return fail(Error(out.error()).during(fmt::format("messages: {}", shown)));
  return out;
}

}  // namespace parley::queue::sqs
