#include "queue/remote/address.h"

#include <charconv>

#include "base/text.h"

namespace parley::queue::remote {
namespace {

// Of `text` is repeated what can have no password in it.
std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  const bool has_user = text.find('@') != std::string_view::npos;
  const std::string_view shown = text.substr(0, has_user ? text.find(':') : text.find('?'));
  return invalid("messages: '" + std::string(shown) + "' " + std::string(why) + "; write parley://HOST:PORT" +
                 (has_user ? ", without a user" : ""));
}

// HOST:PORT, where HOST is a name, an IPv4 address, or an IPv6 address in brackets.
bool parse_place(std::string_view place, net::Origin& origin) {
  const std::size_t colon = place.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  std::string_view host = place.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || (!bracketed && host.contains(':')) || host.find_first_of("/@ ") != std::string_view::npos)
    return false;
  unsigned port = 0;
  const char* const end = place.data() + place.size();
  const auto [rest, error] = std::from_chars(place.data() + colon + 1, end, port);
  if (error != std::errc() || rest != end || port == 0 || port > 65535) return false;
  origin.host = host;
  origin.port = static_cast<std::uint16_t>(port);
  return true;
}

}  // namespace

Result<Address> parse_address(std::string_view text, const std::filesystem::path& folder) {
  const std::size_t at = text.find("://");
  const std::string_view scheme = text.substr(0, at);
  if (at == std::string_view::npos || (scheme != "parley" && scheme != "parleys")) return bad(text, "is no other node");
  std::string_view rest = text.substr(at + 3);
  net::Origin model;
  model.http2 = true;
  model.tls = scheme == "parleys";
  if (const std::size_t query = rest.find('?'); query != std::string_view::npos) {
    for (const std::string_view option : split(rest.substr(query + 1), '&')) {
      const std::size_t equals = option.find('=');
      const std::string_view name = option.substr(0, equals);
      std::string* file = name == "ca"     ? &model.tls_config.ca_file
                          : name == "cert" ? &model.tls_config.cert_file
                          : name == "key"  ? &model.tls_config.key_file
                                           : nullptr;
      if (name.contains('@')) return bad(text, "names no host and port");  // half a password
      if (file == nullptr || equals == std::string_view::npos)
        return bad(text, "has the option '" + std::string(name) + "'; there are ca, cert and key, each with a file");
      if (!model.tls) return bad(text, "has an option of TLS; that is parleys://");
      *file = (folder / option.substr(equals + 1)).string();
    }
    rest = rest.substr(0, query);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  Address address{.text = std::string(rest), .origins = {}};
  for (const std::string_view place : split(rest, ',')) {
    net::Origin origin = model;
    if (!parse_place(place, origin)) return bad(text, "names no host and port");
    address.origins.push_back(std::move(origin));
  }
  return address;
}

}  // namespace parley::queue::remote
