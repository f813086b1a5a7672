#include "graphql/validation_context.h"

#include <algorithm>

#include "graphql/utf8.h"

namespace parley::graphql {

ValidationContext::ValidationContext(const Schema& schema, Document& document, const ValidationLimits& limits)
    : schema_(schema), document_(document), limits_(limits), places_(document.definitions().size() + 2) {
  const auto fragments = document.fragments();
  for (const FragmentDefinition* each : fragments) fragments_.add(each->name.text, each->index).first = each->index;
  fragment_uses_.resize(fragments.size());
  fragment_spreads_.resize(fragments.size());
  spreads_known_.resize(fragments.size());
}

void ValidationContext::report(std::string message, std::span<const std::uint32_t> at) {
  Place& place = places_[place_];
  if (place.aborted || place.errors.size() > limits_.max_errors) return;
  place.errors.push_back({std::move(message), {at.begin(), at.end()}});
  if (place.errors.size() > limits_.max_errors) full_ = true;
}

void ValidationContext::abort() {
  places_[place_].aborted = true;
  full_ = true;
}

bool ValidationContext::spend(std::size_t work) {
  work_ += work;
  if (work_ <= limits_.max_work) return true;
  abort();
  return false;
}

std::vector<GraphqlError> ValidationContext::errors() && {
  std::vector<GraphqlError> out;
  std::vector<std::pair<std::uint32_t, SourceLocation*>> wanted;
  const auto finish = [&](std::string last) {
    if (!last.empty()) out.push_back({std::move(last), {}, {}, {}});
    locate(wanted);
    return std::move(out);
  };
  out.reserve(limits_.max_errors + 1);  // `wanted` points into it
  for (Place& place : places_) {
    for (Pending& each : place.errors) {
      if (out.size() >= limits_.max_errors)
        return finish("Too many validation errors, error limit reached. Validation aborted.");
      out.push_back({std::move(each.message), std::vector<SourceLocation>(each.at.size()), {}, {}});
      for (std::size_t i = 0; i < each.at.size(); ++i) wanted.emplace_back(each.at[i], &out.back().locations[i]);
    }
    if (place.aborted) return finish("Validation aborted.");
  }
  return finish("");
}

// All at once, in one pass over the source.
void ValidationContext::locate(std::vector<std::pair<std::uint32_t, SourceLocation*>>& wanted) const {
  std::ranges::sort(wanted);
  const std::string_view source = document_.source();
  SourceLocation here{1, 1};
  std::size_t at = 0;
  for (const auto& [offset, to] : wanted) {
    for (; at < offset; ++at) {
      const auto c = static_cast<unsigned char>(source[at]);
      const bool ends_line = c == '\n' || (c == '\r' && (at + 1 == source.size() || source[at + 1] != '\n'));
      if (ends_line) {
        ++here.line;
        here.column = 1;
      } else if ((c & 0xc0U) != 0x80U) {
        here.column += c >= 0xf0 ? 2 : 1;
      }
    }
    *to = here;
  }
}

FragmentDefinition* ValidationContext::fragment(std::string_view name) {
  const std::uint32_t* index = fragments_.find(name);
  return index == nullptr ? nullptr : document_.fragments()[*index];
}

std::vector<const Selection*> ValidationContext::spreads(const SelectionSet& set) const {
  std::vector<const Selection*> out;
  std::vector<const SelectionSet*> open{&set};
  while (!open.empty()) {
    const SelectionSet* const next = open.back();
    open.pop_back();
    for (const Selection& each : next->items) {
      if (each.kind == SelectionKind::spread) {
        out.push_back(&each);
      } else if (each.selections != nullptr) {
        open.push_back(each.selections);
      }
    }
  }
  return out;
}

const std::vector<const Selection*>& ValidationContext::spreads(const FragmentDefinition& fragment) {
  auto& known = fragment_spreads_[fragment.index];
  if (!spreads_known_[fragment.index]) {
    spreads_known_[fragment.index] = true;
    known = spreads(*fragment.selections);
  }
  return known;
}

std::vector<const FragmentDefinition*> ValidationContext::reachable(std::span<const Selection* const> from) {
  std::vector<const FragmentDefinition*> out;
  std::vector<bool> seen(document_.fragments().size());
  const auto add = [&](std::span<const Selection* const> spreads) {
    for (const Selection* each : spreads) {
      const FragmentDefinition* target = fragment(each->name.text);
      if (target == nullptr || seen[target->index]) continue;
      seen[target->index] = true;
      out.push_back(target);
    }
  };
  add(from);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto& next = spreads(*out[i]);
    if (!spend(next.size() + 1)) break;
    add(next);
  }
  return out;
}

}  // namespace parley::graphql
