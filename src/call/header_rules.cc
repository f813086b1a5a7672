#include "call/header_rules.h"

#include <algorithm>
#include <array>

namespace parley {
namespace {

constexpr bool pass = true;
constexpr bool stop = false;

constexpr std::string_view hop = "belongs to one connection (RFC 9110 section 7.6.1)";
constexpr std::string_view framing = "says how one body is framed; each side frames its own";
constexpr std::string_view negotiation = "each side negotiates its own encodings and types";
constexpr std::string_view protocol = "one protocol's own field; its meaning is in the call";
constexpr std::string_view identity = "states who calls; only Parley may say that to an upstream";
constexpr std::string_view browser = "between a browser and the edge it talks to";
constexpr std::string_view edge_only = "answered by the edge";
constexpr std::string_view context = "context that the whole path shares";

// Sorted by name within each part; a name that is in no row passes.
constexpr HeaderRule rules[] = {
    {":*", stop, stop, "a pseudo-header (RFC 9113 section 8.3)"},
    {"connection", stop, stop, hop},
    {"http2-settings", stop, stop, hop},
    {"keep-alive", stop, stop, hop},
    {"proxy-authenticate", stop, stop, hop},
    {"proxy-authentication-info", stop, stop, hop},
    {"proxy-authorization", stop, stop, hop},
    {"proxy-connection", stop, stop, hop},
    {"proxy-status", stop, stop, hop},
    {"te", stop, stop, hop},
    {"trailer", stop, stop, hop},
    {"transfer-encoding", stop, stop, hop},
    {"upgrade", stop, stop, hop},

    {"content-encoding", stop, stop, framing},
    {"content-length", stop, stop, framing},
    {"content-range", stop, stop, framing},
    {"content-type", stop, stop, framing},
    {"range", stop, stop, framing},

    {"accept", stop, stop, negotiation},
    {"accept-charset", stop, stop, negotiation},
    {"accept-encoding", stop, stop, negotiation},
    {"accept-ranges", stop, stop, negotiation},

    {"connect-*", stop, stop, protocol},
    {"expect", stop, stop, protocol},
    {"grpc-*", stop, stop, protocol},
    {"host", stop, stop, "names the edge; the upstream gets its own authority"},
    {"last-event-id", pass, stop, "where a caller's event stream goes on"},
    {"x-grpc-web", stop, stop, protocol},
    {"x-http-method-override", stop, stop, protocol},
    {"x-user-agent", stop, stop, "gRPC-Web's user agent"},

    {"parley-*", stop, stop, identity},
    {"parley-delay", pass, stop, "when a queued call is to be carried out"},
    {"parley-due", pass, stop, "when a queued call is to be carried out"},
    {"x-client-cert", stop, stop, identity},
    {"x-envoy-*", stop, stop, identity},
    {"x-forwarded-client-cert", stop, stop, identity},
    {"x-parley-*", stop, stop, identity},
    {"x-ssl-client-*", stop, stop, identity},

    {"access-control-*", stop, stop, browser},
    {"alt-svc", stop, stop, browser},
    {"sec-*", stop, stop, browser},
    {"strict-transport-security", stop, stop, browser},
    {"vary", stop, stop, browser},

    {"date", stop, stop, edge_only},
    {"if-match", pass, stop, "a precondition the service may check"},
    {"if-modified-since", stop, stop, edge_only},
    {"if-range", stop, stop, edge_only},
    {"server", stop, stop, edge_only},
    {"status", stop, stop, edge_only},

    {"b3", pass, stop, context},
    {"baggage", pass, stop, context},
    {"forwarded", pass, stop, context},
    {"traceparent", pass, stop, context},
    {"tracestate", pass, stop, context},
    {"x-b3-*", pass, stop, context},
    {"x-forwarded-*", pass, stop, context},
    {"x-request-id", pass, pass, context},
};
constexpr std::size_t rule_count = std::size(rules);

// Exact names are found by hash; prefixes are few and are tried by first letter.
constexpr std::size_t slot_count = 256;
constexpr std::size_t slot_of(std::string_view name) {
  return (name.size() * 37 + static_cast<unsigned char>(name.front()) * 7 + static_cast<unsigned char>(name.back()) +
          static_cast<unsigned char>(name[name.size() / 2]) * 3) %
         slot_count;
}

struct Index {
  std::array<std::uint8_t, slot_count> slots{};     // 1 + index of a rule, 0: free
  std::array<std::uint8_t, rule_count> prefixes{};  // indices of rules that end with '*'
  std::size_t prefix_count = 0;
};

constexpr Index make_index() {
  Index index;
  for (std::size_t i = 0; i < rule_count; ++i) {
    if (rules[i].name.back() == '*') {
      index.prefixes[index.prefix_count++] = static_cast<std::uint8_t>(i);
      continue;
    }
    std::size_t slot = slot_of(rules[i].name);
    while (index.slots[slot] != 0) slot = (slot + 1) % slot_count;
    index.slots[slot] = static_cast<std::uint8_t>(i + 1);
  }
  return index;
}
constexpr Index index_of_rules = make_index();
static_assert(rule_count < 255);

const HeaderRule* find_rule(std::string_view name) {
  for (std::size_t slot = slot_of(name); index_of_rules.slots[slot] != 0; slot = (slot + 1) % slot_count) {
    const HeaderRule& rule = rules[index_of_rules.slots[slot] - 1];
    if (rule.name == name) return &rule;
  }
  for (std::size_t i = 0; i < index_of_rules.prefix_count; ++i) {
    const HeaderRule& rule = rules[index_of_rules.prefixes[i]];
    if (rule.name.front() == name.front() && name.starts_with(rule.name.substr(0, rule.name.size() - 1))) return &rule;
  }
  return nullptr;
}

}  // namespace

bool passes(std::string_view name, Direction direction) {
  if (name.empty()) return false;
  const HeaderRule* rule = find_rule(name);
  if (rule == nullptr) return true;
  return direction == Direction::request ? rule->request : rule->reply;
}

bool passes_upstream(std::string_view name) {
  constexpr std::string_view own[] = {"parley-message-id", "parley-attempt", "parley-key",
                                      "parley-queue",      "parley-topic",   "parley-group"};
  if (passes(name, Direction::request)) return true;
  return name.starts_with("parley-") && std::ranges::find(own, name) != std::end(own);
}

void copy_passing(const Fields& from, Direction direction, Fields& to) {
  for (const Field field : from) {
    if (passes(field.name, direction)) to.add(field.name, field.value);
  }
}

std::span<const HeaderRule> header_rules() { return rules; }

}  // namespace parley
