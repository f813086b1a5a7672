// grpc.reflection.v1.ServerReflection, and v1alpha, whose messages are the same: tools ask a server for its contract.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/contract.h"
#include "route/local/local_route.h"

namespace parley::route {

// The contracts to tell of, the first that knows a name answers. Asked once a request, so a reload is seen at once.
using ContractsToTell = std::function<std::vector<contract::ContractPtr>()>;

// Registers both versions.
void add_reflection(LocalRoute& route, ContractsToTell contracts);

// The messages of reflection.proto.
struct ReflectionRequest {
  enum class Kind : std::uint8_t {
    none = 0,
    file_by_filename = 3,
    file_containing_symbol = 4,
    file_containing_extension = 5,
    all_extension_numbers_of_type = 6,
    list_services = 7
  };
  Kind kind = Kind::none;
  std::string text;   // the name of a file, symbol or type
  int extension = 0;  // file_containing_extension
  std::string host;
  std::string wire;  // as it came: a reply repeats it
  static Result<ReflectionRequest> from_wire(std::string_view wire);
  std::string to_wire() const { return wire; }
};

struct ReflectionResponse {
  // Fields of the oneof.
  static constexpr std::uint32_t files = 4;
  static constexpr std::uint32_t extension_numbers = 5;
  static constexpr std::uint32_t services = 6;
  static constexpr std::uint32_t error = 7;

  std::uint32_t kind = error;
  std::string answer;  // the oneof's message, as wire bytes
  std::string host;
  std::string request;  // as wire bytes
  static Result<ReflectionResponse> from_wire(std::string_view wire);
  std::string to_wire() const;
};

}  // namespace parley::route
