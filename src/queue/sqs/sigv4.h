// Signature Version 4, as AWS documents it ("Create a signed AWS API request"): proves that a request comes from
// whoever holds a secret, without sending it. For every service whose paths are normalized, so not for S3.
#pragma once

#include <string>
#include <string_view>

#include "base/wall_time.h"
#include "net/exchange.h"

namespace parley::queue::sqs {

// Never logged, nor part of an error.
struct Credentials {
  std::string key_id;
  std::string secret;
  std::string session_token;  // of temporary credentials; "" for those of a user

  bool empty() const { return key_id.empty(); }
};

class Signer {
 public:
  Signer(Credentials credentials, std::string region, std::string service = "sqs");

  // Adds `x-amz-date`, `x-amz-security-token` (temporary credentials) and `authorization`, which replace what was
  // there. `request.authority` is the Host that will be sent; its fields are signed but for those that proxies change.
  void sign(net::RequestHead& request, std::string_view body, WallTime now);

 private:
  const std::string& key_for(const std::string& day);

  Credentials credentials_;
  std::string region_;
  std::string service_;
  std::string key_day_;  // the key depends on the day and not on the request
  std::string key_;
};

}  // namespace parley::queue::sqs
