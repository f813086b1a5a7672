#include "graphql/suggestions.h"

#include <algorithm>
#include <array>
#include <optional>

#include "graphql/utf8.h"

namespace parley::graphql {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// In lower case, as far as names can have case. UTF-16 units, in which graphql-js counts.
void lower_units(std::string_view text, std::vector<std::uint32_t>& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); i += utf8_size(text[i])) {
    const std::uint32_t point = code_point_at(text, i);
    if (point >= 0x10000) {
      out.push_back(0xd800 + ((point - 0x10000) >> 10U));
      out.push_back(0xdc00 + ((point - 0x10000) & 0x3ffU));
    } else {
      out.push_back(point >= 'A' && point <= 'Z' ? point + 32 : point);
    }
  }
}

// How many edits options are from one input, the swap of two neighbours being one (Damerau and Levenshtein's distance,
// as "optimal string alignment"). Keeps its memory from one option to the next.
class Distance {
 public:
  explicit Distance(std::string_view input) : input_(input) {
    lower_units(input, wanted_);
    most_ = wanted_.size() * 2 / 5 + 1;
  }

  // Nothing beyond two fifths of the input's length and one more.
  std::optional<std::size_t> measure(std::string_view option) {
    if (option == input_) return 0;
    // Before any work: an input can be very long. UTF-8 has at least as many bytes as UTF-16 has units.
    if (wanted_.size() > option.size() + most_) return std::nullopt;
    lower_units(option, option_);
    if (option_ == wanted_) return 1;
    return option_.size() < wanted_.size() ? edits(wanted_, option_) : edits(option_, wanted_);
  }

 private:
  std::optional<std::size_t> edits(const std::vector<std::uint32_t>& longer,
                                   const std::vector<std::uint32_t>& shorter) {
    if (longer.size() - shorter.size() > most_) return std::nullopt;
    const std::size_t columns = shorter.size();
    for (auto& row : rows_) row.resize(columns + 1);
    for (std::size_t j = 0; j <= columns; ++j) rows_[0][j] = j;
    for (std::size_t i = 1; i <= longer.size(); ++i) {
      const auto& up = rows_[(i - 1) % 3];
      auto& row = rows_[i % 3];
      std::size_t smallest = row[0] = i;
      for (std::size_t j = 1; j <= columns; ++j) {
        const std::size_t replaced = up[j - 1] + (longer[i - 1] == shorter[j - 1] ? 0 : 1);
        std::size_t cell = std::min({up[j] + 1, row[j - 1] + 1, replaced});
        if (i > 1 && j > 1 && longer[i - 1] == shorter[j - 2] && longer[i - 2] == shorter[j - 1])
          cell = std::min(cell, rows_[(i - 2) % 3][j - 2] + 1);
        smallest = std::min(smallest, cell);
        row[j] = cell;
      }
      if (smallest > most_) return std::nullopt;
    }
    const std::size_t distance = rows_[longer.size() % 3][columns];
    return distance <= most_ ? std::optional(distance) : std::nullopt;
  }

  std::string_view input_;
  std::vector<std::uint32_t> wanted_;
  std::vector<std::uint32_t> option_;
  std::size_t most_;
  std::array<std::vector<std::size_t>, 3> rows_;
};

}  // namespace

std::vector<std::string_view> suggestions(std::string_view input, const std::vector<std::string_view>& options) {
  struct Near {
    std::string_view name;
    std::size_t distance;
  };
  Distance distance(input);
  std::vector<Near> near;
  for (const std::string_view option : options) {
    if (const auto edits = distance.measure(option)) near.push_back({option, *edits});
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
