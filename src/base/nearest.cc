#include "base/nearest.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace parley {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Edits (insert, remove, change, swap neighbours) times two, so that a wrong case can count as half an edit.
std::size_t distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cost((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return cost[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = 2 * i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = 2 * j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : lower(a[i - 1]) == lower(b[j - 1]) ? 1 : 2;
      std::size_t best = std::min({at(i - 1, j) + 2, at(i, j - 1) + 2, at(i - 1, j - 1) + change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) best = std::min(best, at(i - 2, j - 2) + 2);
      at(i, j) = best;
    }
  }
  return at(a.size(), b.size());
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view name, std::span<const std::string_view> candidates) {
  std::size_t limit = 2 * std::max<std::size_t>(1, name.size() / 3) + 1;
  std::optional<std::string_view> best;
  for (const std::string_view c : candidates) {
    if (name.size() < 3 && !c.empty() && !name.empty() && lower(c[0]) != lower(name[0]))
      continue;  // any letter is near any other
    const std::size_t gap = c.size() > name.size() ? c.size() - name.size() : name.size() - c.size();
    if (2 * gap >= limit) continue;
    const std::size_t d = distance(name, c);
    if (d >= limit) continue;
    limit = d;
    best = c;
  }
  return best;
}

std::optional<std::string_view> nearest(std::string_view name, std::span<const std::string> candidates) {
  return nearest(name, std::vector<std::string_view>(candidates.begin(), candidates.end()));
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates, const std::string& otherwise) {
  const auto best = nearest(name, candidates);
  return best ? "did you mean `" + std::string(*best) + "`?" : otherwise;
}

}  // namespace parley
