// The answers of bench/graphql/contracts: made of a template of wire bytes in which only the ids differ, so that the
// service behind a GraphQL gateway costs next to nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace parley::bench {

// What the service was asked, for "upstream calls a request".
struct Counts {
  std::uint64_t lists = 0;
  std::uint64_t batches = 0;
  std::uint64_t keys = 0;       // in all batches
  std::uint64_t foreign = 0;    // batches with keys that the caller of `authorization` did not ask for
  std::uint64_t anonymous = 0;  // calls without `authorization`

  std::string json() const;
};

// `path` is of the contract: canned_answer() knows it.
bool is_canned(std::string_view path);

// The reply to a framed request, framed. `authorization` is "Bearer SEED", or empty.
std::string canned_answer(std::string_view path, std::string_view framed_request, std::string_view authorization,
                          Counts& counts);

}  // namespace parley::bench
