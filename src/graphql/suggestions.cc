#include "graphql/suggestions.h"

#include <algorithm>
#include <array>
#include <optional>

#include "graphql/utf8.h"

namespace parley::graphql {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// In lower case, as far as names can have case. UTF-16 units, in which graphql-js counts.
std::vector<std::uint32_t> lower_units(std::string_view text) {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < text.size(); i += utf8_size(text[i])) {
    const std::uint32_t point = code_point_at(text, i);
    if (point >= 0x10000) {
      out.push_back(0xd800 + ((point - 0x10000) >> 10U));
      out.push_back(0xdc00 + ((point - 0x10000) & 0x3ffU));
    } else {
      out.push_back(point >= 'A' && point <= 'Z' ? point + 32 : point);
    }
  }
  return out;
}

// Edits, the swap of two neighbours being one; nothing beyond `most` (Damerau and Levenshtein's distance, as "optimal
// string alignment").
std::optional<std::size_t> edits(const std::vector<std::uint32_t>& longer, const std::vector<std::uint32_t>& shorter,
                                 std::size_t most) {
  const std::size_t columns = shorter.size();
  std::array<std::vector<std::size_t>, 3> rows;
  for (auto& row : rows) row.resize(columns + 1);
  for (std::size_t j = 0; j <= columns; ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= longer.size(); ++i) {
    const auto& up = rows[(i - 1) % 3];
    auto& row = rows[i % 3];
    std::size_t smallest = row[0] = i;
    for (std::size_t j = 1; j <= columns; ++j) {
      const std::size_t replaced = up[j - 1] + (longer[i - 1] == shorter[j - 1] ? 0 : 1);
      std::size_t cell = std::min({up[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && longer[i - 1] == shorter[j - 2] && longer[i - 2] == shorter[j - 1])
        cell = std::min(cell, rows[(i - 2) % 3][j - 2] + 1);
      smallest = std::min(smallest, cell);
      row[j] = cell;
    }
    if (smallest > most) return std::nullopt;
  }
  const std::size_t distance = rows[longer.size() % 3][columns];
  return distance <= most ? std::optional(distance) : std::nullopt;
}

}  // namespace

std::vector<std::string_view> suggestions(std::string_view input, const std::vector<std::string_view>& options) {
  struct Near {
    std::string_view name;
    std::size_t distance;
  };
  const std::vector<std::uint32_t> wanted = lower_units(input);
  const std::size_t most = wanted.size() * 2 / 5 + 1;
  std::vector<Near> near;
  for (const std::string_view option : options) {
    if (option == input) {
      near.push_back({option, 0});
      continue;
    }
    if (option.size() > wanted.size() + most || wanted.size() > option.size() + most) continue;
    const std::vector<std::uint32_t> units = lower_units(option);
    if (units == wanted) {
      near.push_back({option, 1});
    } else if (const auto distance =
                   units.size() < wanted.size() ? edits(wanted, units, most) : edits(units, wanted, most)) {
      near.push_back({option, *distance});
    }
  }
  std::ranges::sort(near, [](const Near& a, const Near& b) {
    return a.distance != b.distance ? a.distance < b.distance : natural_compare(a.name, b.name) < 0;
  });
  std::vector<std::string_view> out;
  for (const Near& each : near) {
    if (out.empty() || out.back() != each.name) out.push_back(each.name);
  }
  return out;
}

std::string did_you_mean(const std::vector<std::string_view>& names, std::string_view what) {
  constexpr std::size_t most = 5;
  if (names.empty()) return "";
  std::string out = " Did you mean ";
  if (!what.empty()) out += std::string(what) + " ";
  const std::size_t count = std::min(names.size(), most);
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += count == 2 ? " or " : i + 1 == count ? ", or " : ", ";
    out += '"';
    out += names[i];
    out += '"';
  }
  return out + "?";
}

int natural_compare(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  std::size_t j = 0;
  const auto number = [](std::string_view text, std::size_t& at) {
    double value = 0;
    do {
      value = value * 10 + (text[at++] - '0');
    } while (at < text.size() && is_digit(text[at]) && value > 0);
    return value;
  };
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const double x = number(a, i);
      const double y = number(b, j);
      if (x != y) return x < y ? -1 : 1;
    } else {
      if (a[i] != b[j]) return a[i] < b[j] ? -1 : 1;
      ++i;
      ++j;
    }
  }
  return static_cast<int>(a.size()) - static_cast<int>(b.size());
}

}  // namespace parley::graphql
