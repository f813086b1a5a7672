// "Did you mean": the candidate nearest to a name that is not there.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parley::contract {

// By edit distance, letters' case counting half; "" if nothing is near enough to be a slip of the fingers.
std::string nearest(std::string_view name, std::span<const std::string> candidates);
// "did you mean `x`?", or `otherwise`.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates,
                         const std::string& otherwise = "");

}  // namespace parley::contract
