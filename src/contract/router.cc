#include "contract/router.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <span>

#include "contract/contract.h"
#include "contract/path_template.h"

namespace parley::contract {
namespace {

using Segments = std::span<const std::string_view>;

struct Terminal {
  const Method* method;
  const HttpRule* rule;
};

// Node 0 is the root; as nothing leads back to it, 0 also means "no child".
struct Node {
  std::vector<std::pair<std::string, std::uint32_t>> literals;  // sorted
  std::uint32_t any = 0;
  std::uint32_t rest = 0;
  std::vector<Terminal> terminals;

  bool is_leaf() const { return literals.empty() && any == 0; }
  std::uint32_t literal(std::string_view text) const {
    const auto less = [](const auto& entry, std::string_view key) { return entry.first < key; };
    const auto at = std::lower_bound(literals.begin(), literals.end(), text, less);
    return at != literals.end() && at->first == text ? at->second : 0;
  }
};

// Without allocation for paths of ordinary depth.
class SplitPath {
 public:
  explicit SplitPath(std::string_view path) {
    std::size_t from = 1;  // after the first slash
    for (;;) {
      const std::size_t slash = path.find('/', from);
      push(path.substr(from, slash == std::string_view::npos ? slash : slash - from));
      if (slash == std::string_view::npos) break;
      from = slash + 1;
    }
  }
  std::span<std::string_view> segments() {
    return many_.empty() ? std::span(few_.data(), count_) : std::span(many_.data(), many_.size());
  }

 private:
  void push(std::string_view segment) {
    if (many_.empty() && count_ < few_.size()) {
      few_[count_++] = segment;
      return;
    }
    if (many_.empty()) many_.assign(few_.begin(), few_.end());
    many_.push_back(segment);
  }

  std::array<std::string_view, 24> few_;
  std::size_t count_ = 0;
  std::vector<std::string_view> many_;
};

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
    if (size == 0 || i + size > text.size()) return false;
    for (std::size_t k = 1; k < size; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    const auto second = size > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return false;
    if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return false;
    i += size;
  }
  return true;
}

bool is_plain_ascii(std::string_view path) {
  return std::ranges::none_of(path, [](char c) { return c == '%' || static_cast<unsigned char>(c) >= 0x80; });
}

// What a path is once it is cut: `raw` for values, `decoded` for literals (the same where nothing was encoded).
struct Target {
  Segments raw;
  Segments decoded;
  std::string_view colon_verb;
};

class Trie final : public Router {
 public:
  explicit Trie(const std::vector<Service>& services) {
    nodes_.emplace_back();
    for (const Service& s : services) {
      for (const Method& m : s.methods) {
        for (const HttpRule& r : m.rules) add(m, r);
      }
    }
  }

  Result<Match> match(std::string_view verb, std::string_view path) const override {
    Terminal found{};
    bool misencoded = false;
    Match match{};
    const bool well_formed = with_targets(path, [&](const Target& t) {
      const auto take = [&](const Node& node) { return choose(node, t.colon_verb, verb, found); };
      if (!walk(nodes_[0], t.decoded, 0, take)) return false;
      match = {found.method, found.rule, {}};
      misencoded = !bind(t.raw, match);
      return true;
    });
    if (!well_formed || misencoded) return malformed();
    if (match.rule == nullptr) return fail(no_match(verb, path));
    return match;
  }

  std::vector<std::string> allowed(std::string_view path) const override {
    std::set<std::string> verbs;
    with_targets(path, [&](const Target& t) {
      walk(nodes_[0], t.decoded, 0, [&](const Node& node) {
        for (const Terminal& terminal : node.terminals) {
          if (terminal.rule->colon_verb == t.colon_verb) add_verbs(terminal.rule->verb, verbs);
        }
        return false;
      });
      return false;
    });
    return {verbs.begin(), verbs.end()};
  }

 private:
  void add(const Method& method, const HttpRule& rule) {
    std::uint32_t at = 0;
    for (const Segment& s : rule.segments) at = child(at, s);
    nodes_[at].terminals.push_back({&method, &rule});
    if (!rule.colon_verb.empty()) colon_verbs_.insert(rule.colon_verb);
  }

  std::uint32_t child(std::uint32_t at, const Segment& s) {
    const auto fresh = static_cast<std::uint32_t>(nodes_.size());
    if (s.kind == Segment::Kind::literal) {
      if (const std::uint32_t known = nodes_[at].literal(s.text)) return known;
      auto& literals = nodes_[at].literals;
      const auto less = [](const auto& entry, const std::string& key) { return entry.first < key; };
      literals.emplace(std::lower_bound(literals.begin(), literals.end(), s.text, less), s.text, fresh);
    } else {
      std::uint32_t& slot = s.kind == Segment::Kind::any ? nodes_[at].any : nodes_[at].rest;
      if (slot != 0) return slot;
      slot = fresh;
    }
    nodes_.emplace_back();
    return fresh;
  }

  // Calls `visit` for each node the path ends at, in order of precedence, until it returns true.
  // A node is tried at most once a position, and only one `**` can lie on the way: time is bounded by nodes x segments.
  template <class Visit>
  bool walk(const Node& node, Segments path, std::size_t at, const Visit& visit) const {
    if (at == path.size()) {
      if (!node.terminals.empty() && visit(node)) return true;
    } else {
      const std::uint32_t literal = node.literal(path[at]);
      if (literal != 0 && walk(nodes_[literal], path, at + 1, visit)) return true;
      if (node.any != 0 && !path[at].empty() && walk(nodes_[node.any], path, at + 1, visit)) return true;
    }
    if (node.rest == 0) return false;
    const Node& rest = nodes_[node.rest];
    if (rest.is_leaf()) return !rest.terminals.empty() && visit(rest);
    for (std::size_t end = at; end <= path.size(); ++end) {  // a longer tail of literals is the more specific
      if (walk(rest, path, end, visit)) return true;
    }
    return false;
  }

  static bool choose(const Node& node, std::string_view colon_verb, std::string_view verb, Terminal& found) {
    int best = 0;
    for (const Terminal& t : node.terminals) {
      if (t.rule->colon_verb != colon_verb) continue;
      const std::string& has = t.rule->verb;
      const int rank = has == verb ? 3 : verb == "HEAD" && has == "GET" ? 2 : has == "*" ? 1 : 0;
      if (rank <= best) continue;
      best = rank;
      found = t;
    }
    return best > 0;
  }

  // Calls `use` with the path read as `….:verb` if a rule has that verb, and then as it stands, until it returns true.
  // False if the percent-encoding is malformed.
  template <class Use>
  bool with_targets(std::string_view path, const Use& use) const {
    if (!path.starts_with('/')) return true;
    SplitPath raw(path);
    if (is_plain_ascii(path)) [[likely]] {
      use_targets(raw.segments(), raw.segments(), use);
      return true;
    }
    std::vector<std::string> texts;
    for (const std::string_view s : raw.segments()) {
      auto decoded = percent_decode(s);
      if (!decoded || !is_utf8(*decoded)) return false;
      texts.push_back(*std::move(decoded));
    }
    std::vector<std::string_view> decoded(texts.begin(), texts.end());
    use_targets(raw.segments(), decoded, use);
    return true;
  }

  template <class Use>
  void use_targets(std::span<std::string_view> raw, std::span<std::string_view> decoded, const Use& use) const {
    const std::string_view last = raw.back();
    const std::size_t colon = last.rfind(':');  // before decoding: %3A is no verb
    if (colon != std::string_view::npos) {
      const auto verb = percent_decode(last.substr(colon + 1));
      const auto known = verb ? colon_verbs_.find(*verb) : colon_verbs_.end();
      if (known != colon_verbs_.end()) {
        const std::string_view whole = decoded.back();
        const bool plain = decoded.data() == raw.data();
        const auto stem = plain ? std::string() : percent_decode(last.substr(0, colon)).value_or("");
        if (!plain) decoded.back() = stem;
        raw.back() = last.substr(0, colon);
        if (use(Target{raw, decoded, *known})) return;
        decoded.back() = whole;
        raw.back() = last;
      }
    }
    use(Target{raw, decoded, {}});
  }

  // Where a segment of the template lies in the path: the one `**` takes what the others leave.
  static bool bind(Segments path, Match& match) {
    const std::vector<Segment>& segments = match.rule->segments;
    const auto is_rest = [](const Segment& s) { return s.kind == Segment::Kind::rest; };
    const auto rest = static_cast<std::size_t>(std::ranges::find_if(segments, is_rest) - segments.begin());
    const auto place = [&](std::size_t i) { return i <= rest ? i : i + path.size() - segments.size(); };
    match.bindings.reserve(match.rule->variables.size());
    for (const PathVariable& v : match.rule->variables) {
      const std::size_t first = place(v.first);
      const std::size_t end = place(v.first + v.count);
      std::string_view text;
      if (first < end) {
        const char* from = path[first].data();
        text = {from, static_cast<std::size_t>(path[end - 1].data() + path[end - 1].size() - from)};
      }
      if (text.find('%') == std::string_view::npos) {
        match.bindings.push_back({&v, std::string(text)});
        continue;
      }
      auto value = percent_decode(text, v.multi);
      if (!value) return false;
      match.bindings.push_back({&v, *std::move(value)});
    }
    return true;
  }

  static void add_verbs(const std::string& verb, std::set<std::string>& verbs) {
    if (verb == "*") {
      verbs.insert({"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"});
      return;
    }
    verbs.insert(verb);
    if (verb == "GET") verbs.insert("HEAD");
  }

  static std::unexpected<Error> malformed() {
    return fail(Error(Code::invalid_argument, Blame::caller, "the path is not well-formed percent-encoded UTF-8")
                    .with_reason("malformed_path"));
  }

  Error no_match(std::string_view verb, std::string_view path) const {
    const std::vector<std::string> verbs = allowed(path);
    if (verbs.empty()) {
      return Error(Code::not_found, Blame::caller, "no rpc is bound to " + std::string(path)).with_reason("no_route");
    }
    std::string list;
    for (const std::string& v : verbs) list += (list.empty() ? "" : ", ") + v;
    return Error(Code::unimplemented, Blame::caller, std::string(verb) + " is not allowed here; allowed: " + list)
        .with_reason("method_not_allowed");
  }

  std::vector<Node> nodes_;
  std::set<std::string, std::less<>> colon_verbs_;
};

}  // namespace

std::unique_ptr<Router> make_router(const std::vector<Service>& services) { return std::make_unique<Trie>(services); }

}  // namespace parley::contract
