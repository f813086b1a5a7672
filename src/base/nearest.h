// "Did you mean": the candidate nearest to a name that is not there.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace parley {

// By edit distance, letters' case counting half; nothing if none is near enough to be a slip of the fingers.
std::optional<std::string_view> nearest(std::string_view name, std::span<const std::string_view> candidates);
std::optional<std::string_view> nearest(std::string_view name, std::span<const std::string> candidates);
// "did you mean `x`?", or `otherwise`.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates,
                         const std::string& otherwise = "");

}  // namespace parley
