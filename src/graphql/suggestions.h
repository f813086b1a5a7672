// "Did you mean": names near to one that is not there, as graphql-js finds and lists them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace parley::graphql {

// Those of `options` within the edit distance graphql-js allows (two fifths of the length and one more), nearest first;
// equal ones in natural order (`a2` before `a10`).
std::vector<std::string_view> suggestions(std::string_view input, const std::vector<std::string_view>& options);

// ` Did you mean "a", "b", or "c"?`, at most five; `what` stands before the names. Empty if there are none.
std::string did_you_mean(const std::vector<std::string_view>& names, std::string_view what = "");

// Less than 0, 0, more than 0: digits compare as numbers.
int natural_compare(std::string_view a, std::string_view b);

}  // namespace parley::graphql
