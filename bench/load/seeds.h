// Requests that differ: a text in which each "@SEED@" stands for a number of six digits, another one for each request.
// The text keeps its size, so that a Content-Length stays true.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace parley::bench {

inline constexpr int first_seed =
    300'000;  // from here on the ids that bench/load/canned.cc makes of a seed have one size
inline constexpr int seed_count = 700'000;

// Each seed once, in an order that looks like none.
class Seeds {
 public:
  int next() {
    at_ = (at_ + 7919) % seed_count;  // a prime that does not divide seed_count
    return first_seed + at_;
  }

 private:
  int at_ = 0;
};

class SeededText {
 public:
  explicit SeededText(std::string text) : text_(std::move(text)) {
    constexpr std::string_view mark = "@SEED@";
    for (std::size_t at = text_.find(mark); at != std::string::npos; at = text_.find(mark, at + mark.size()))
      places_.push_back(at);
  }
  bool varies() const { return !places_.empty(); }
  void append_to(std::string& out, int seed) const {
    const std::size_t begin = out.size();
    out += text_;
    if (places_.empty()) return;
    const std::string digits = std::to_string(seed);
    for (const std::size_t place : places_) out.replace(begin + place, digits.size(), digits);
  }

 private:
  std::string text_;
  std::vector<std::size_t> places_;
};

}  // namespace parley::bench
