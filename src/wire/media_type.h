// Media types and the parameters of header values (RFC 9110 sections 5.6.6 and 8.3.1), and weighed lists of them
// (section 12.5.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::wire {

// ASCII letters only.
std::string lower_case(std::string_view text);

struct HeaderParameter {
  std::string name;   // lower case
  std::string value;  // without quotes and their escapes
};

// `main; name=value; name="quoted"`: the part before the first semicolon (trimmed, as it was written), and the
// parameters.
struct HeaderValue {
  std::string_view main;
  std::vector<HeaderParameter> parameters;
  // The first of that name; null if there is none.
  const std::string* find(std::string_view name) const;
};
// Lenient towards spaces and empty parameters. Nothing if a quoted value is not closed or a parameter has no '='.
std::optional<HeaderValue> parse_header_value(std::string_view text);

struct MediaType {
  std::string essence;  // "application/json", lower case
  std::vector<HeaderParameter> parameters;

  const std::string* find(std::string_view name) const;
  // application/json, and every type with the structured suffix +json (RFC 6839).
  bool is_json() const { return essence == "application/json" || essence.ends_with("+json"); }
};
// Nothing if it is not `type/subtype` of token characters, or its parameters are malformed.
std::optional<MediaType> parse_media_type(std::string_view text);

// An Accept field: how much a client wants a media type.
class Accept {
 public:
  // Several Accept fields are joined with commas first. What is malformed is skipped. An empty field accepts
  // everything.
  explicit Accept(std::string_view field);

  struct Weight {
    int quality = 0;     // thousandths; 0: not acceptable
    bool named = false;  // by its full name, not by a wildcard
  };
  // The most specific range that matches decides (RFC 9110 section 12.5.1). Parameters other than q are not looked at.
  Weight weigh(std::string_view essence) const;
  // The best weight of any type with the suffix +json that is named.
  Weight weigh_json_suffix() const;

 private:
  struct Range {
    std::string essence;  // "*/*", "text/*", "text/html"
    int quality;
  };
  std::vector<Range> ranges_;
  bool anything_ = false;
};

}  // namespace parley::wire
