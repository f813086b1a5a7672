#include "contract/nearest.h"

#include <algorithm>
#include <cctype>

namespace parley::contract {
namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Levenshtein's distance times two, so that a wrong case can count as half an edit.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = 2 * j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = 2 * i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : lower(a[i - 1]) == lower(b[j - 1]) ? 1 : 2;
      const std::size_t best = std::min({row[j] + 2, row[j - 1] + 2, diagonal + change});
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(std::string_view name, std::span<const std::string> candidates) {
  std::size_t limit = 2 * std::max<std::size_t>(1, name.size() / 3) + 1;
  std::string best;
  for (const std::string& c : candidates) {
    const std::size_t gap = c.size() > name.size() ? c.size() - name.size() : name.size() - c.size();
    if (2 * gap >= limit) continue;
    const std::size_t d = distance(name, c);
    if (d >= limit) continue;
    limit = d;
    best = c;
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates, std::string otherwise) {
  const std::string best = nearest(name, candidates);
  return best.empty() ? otherwise : "did you mean `" + best + "`?";
}

}  // namespace parley::contract
