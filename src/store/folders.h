// What is where in a store's folder (docs/formats/store.md).
#pragma once

#include <string_view>

namespace parley::store {

inline constexpr std::string_view lock_name = "lock";
inline constexpr std::string_view journal_name = "journal";
inline constexpr std::string_view view_name = "view";

}  // namespace parley::store
