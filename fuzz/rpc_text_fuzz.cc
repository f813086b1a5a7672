// The small text forms of the rpc protocols: what is written is read back, and no text breaks a reader.
#include <cstdlib>
#include <string>

#include "wire/base64.h"
#include "wire/percent.h"
#include "wire/timeout.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace parley::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  std::string decoded;
  (void)parley::base64_decode(text, decoded);
  std::string encoded;
  parley::base64_encode(text, encoded, size % 2 == 0 ? parley::Base64::standard : parley::Base64::url, size % 3 == 0);
  std::string back;
  if (!parley::base64_decode(encoded, back) || back != text) std::abort();

  Base64StreamDecoder stream;
  std::string streamed;
  if (stream.write(text, streamed) && streamed.size() > text.size()) std::abort();

  parley::Fields fields;
  (void)add_bin_decoded(fields, "key-bin", text);

  // What was read leniently is good UTF-8, and stays the same once written and read again.
  const std::string message = decode_grpc_message(text);
  if (decode_grpc_message(encode_grpc_message(message)) != message) std::abort();

  std::string component;
  (void)decode_query_component(text, component);
  std::string same;
  if (!decode_query_component(encode_query_component(text), same) || same != text) std::abort();

  if (const auto timeout = parse_grpc_timeout(text)) {
    const auto again = parse_grpc_timeout(format_grpc_timeout(*timeout));
    if (!again || *again < *timeout) std::abort();
  }
  (void)parse_connect_timeout(text);
  return 0;
}
