// How often tests that go by chance try: PARLEY_STORE_SEEDS times as often, where it is set (nightly).
#pragma once

#include <cstdint>
#include <cstdlib>

namespace parley::store {

inline std::uint64_t seeds(std::uint64_t usual) {
  const char* factor = std::getenv("PARLEY_STORE_SEEDS");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  return factor == nullptr ? usual : usual * std::strtoull(factor, nullptr, 10);
}

}  // namespace parley::store
